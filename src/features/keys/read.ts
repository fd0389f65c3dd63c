import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { findOwnKey, findOwnKeys, type StoredKey } from "./store.ts";

/** A living key of this merchant. @throws NOT_FOUND, also for another merchant's. */
export async function readKey(deps: { db: Db }, merchantId: number, id: number): Promise<StoredKey> {
  const key = await findOwnKey(deps.db, merchantId, id);
  if (!key) throw new ApiError("NOT_FOUND");
  return key;
}

/** The merchant's living keys, oldest first. */
export const readKeys = (deps: { db: Db }, merchantId: number): Promise<StoredKey[]> =>
  findOwnKeys(deps.db, merchantId);
