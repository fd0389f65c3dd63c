import { writeFileSync } from "node:fs";
import { currentModule } from "./types.mjs";

writeFileSync(new URL("../src/openapi.ts", import.meta.url), await currentModule());
