import { afterAll } from "vitest";
import { deleteKeys } from "./gateway.ts";

afterAll(deleteKeys);
