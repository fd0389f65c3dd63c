declare namespace Cloudflare {
  interface Env extends SimulatorEnv {}
  interface GlobalProps {
    mainModule: typeof import("../src/index.ts");
    durableNamespaces: "Network";
  }
}

type SimulatorEnv = import("../src/config.ts").Env;
