import { Unfit } from "../control/input.ts";
import { isObject } from "../lib/json.ts";
import { DEFAULT_VALUES, FAULTS, isFaultOf, isProduct, type Product } from "./catalogue.ts";

type FaultSetting = {
  product: Product;
  name: string;
  probability: number;
  /** How often it may still fire; null for always. */
  remaining: number | null;
  value: number | null;
};

export type FaultPlan = { seed: number | undefined; settings: FaultSetting[] };

/** A set of faults that cannot be read; its message says what is wrong. */
class FaultsUnclear extends Unfit {
  constructor(message: string) {
    super(400, message);
  }
}

/** Reads `{"stk_push": {"refuse": {"count": 1}}, "seed": 7}`, every name and number checked. */
export function readFaultPlan(body: unknown): FaultPlan {
  if (!isObject(body)) throw new FaultsUnclear("The faults must be a JSON object of products.");
  const { seed, ...products } = body;
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new FaultsUnclear("seed must be a whole number.");
  return {
    seed: seed === undefined ? undefined : Number(seed),
    settings: Object.entries(products).flatMap(([product, faults]) => readProduct(product, faults)),
  };
}

function readProduct(product: string, faults: unknown): FaultSetting[] {
  if (!isProduct(product)) {
    throw new FaultsUnclear(`There is no product ${product}; there are ${Object.keys(FAULTS).join(", ")}.`);
  }
  if (!isObject(faults)) throw new FaultsUnclear(`${product} must be an object of faults.`);
  return Object.entries(faults).map(([name, setting]) => {
    if (!isFaultOf(product, name)) {
      throw new FaultsUnclear(`${product} has no fault ${name}; it has ${FAULTS[product].join(", ")}.`);
    }
    return { product, name, ...readSetting(`${product}.${name}`, name, setting) };
  });
}

function readSetting(path: string, name: string, setting: unknown) {
  const carriesValue = Object.hasOwn(DEFAULT_VALUES, name);
  if (setting === true) return always(null);
  if (typeof setting === "number") return readBareNumber(path, carriesValue, setting);
  if (!isObject(setting)) throw new FaultsUnclear(`${path} must be an object, a number or true.`);

  const { probability = 1, count = null, value = null, ...others } = setting;
  const unknown = Object.keys(others)[0];
  if (unknown) throw new FaultsUnclear(`${path} has no ${unknown}; it has probability, count and value.`);
  if (!isProbability(probability)) throw new FaultsUnclear(`${path}.probability must be from 0 to 1.`);
  if (count !== null && !isCount(count)) throw new FaultsUnclear(`${path}.count must be a whole number.`);
  if (value !== null && !carriesValue) throw new FaultsUnclear(`${path} takes no value.`);
  if (value !== null && !isCount(value)) throw new FaultsUnclear(`${path}.value must be a whole number.`);
  return { probability, remaining: count, value };
}

/** A bare number is the value of a fault that carries one; else a count from 1 on, and a probability below. */
function readBareNumber(path: string, carriesValue: boolean, number: number) {
  if (carriesValue && isCount(number)) return always(number);
  if (!carriesValue && isCount(number) && number >= 1) return { ...always(null), remaining: number };
  if (!carriesValue && isProbability(number)) return { ...always(null), probability: number };
  throw new FaultsUnclear(`${path} must not be ${number}.`);
}

const always = (value: number | null) => ({ probability: 1, remaining: null, value });

function isProbability(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
