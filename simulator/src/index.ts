import { type Env, missingSecrets } from "./config.ts";
import { servePage } from "./pages.ts";

export { Network } from "./network.ts";

export default {
  async fetch(request, env) {
    const missing = missingSecrets(env);
    if (missing.length > 0) {
      const error = `This simulator is locked until these secrets of 16 or more characters are set: ${missing.join(", ")}.`;
      return Response.json({ error }, { status: 503 });
    }
    const page = await servePage(request, env);
    return page ?? env.NETWORK.getByName("network").fetch(request);
  },
} satisfies ExportedHandler<Env>;
