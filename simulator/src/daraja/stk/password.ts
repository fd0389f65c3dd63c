import type { World } from "../../world.ts";

type Credentials = { BusinessShortCode: string; Password: string; Timestamp: string };

/** Password is base64 of the shortcode, the passkey and the very Timestamp sent beside it. */
export function passwordIsRight(
  world: World,
  { BusinessShortCode, Password, Timestamp }: Credentials,
): boolean {
  return Password === btoa(`${BusinessShortCode}${world.config.passkey}${Timestamp}`);
}
