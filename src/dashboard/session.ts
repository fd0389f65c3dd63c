import { ApiError } from "../errors.ts";

/** Adds the cookies that better-auth made to an answer. */
export function withCookies(response: Response, from: Headers): Response {
  for (const cookie of from.getSetCookie()) response.headers.append("Set-Cookie", cookie);
  return response;
}

/** Where a sign-in goes back to: a page of ours, whatever the link said. */
export function safeNext(next: string | undefined, home: string): string {
  return next !== undefined && /^\/(dashboard|operator)(?:[/?][\w\-./?=&%]*)?$/.test(next) ? next : home;
}

/** The code of an error of better-auth's. */
export function authErrorCode(error: unknown): string {
  const body = error instanceof Error && "body" in error ? error.body : undefined;
  const code = typeof body === "object" && body !== null && "code" in body ? body.code : undefined;
  return typeof code === "string" ? code : "";
}

/** For `catch`: one of better-auth's refusals as a sentence. @throws again whatever else went wrong. */
export const sayInstead =
  (codes: RegExp, message: string) =>
  (error: unknown): never => {
    if (!codes.test(authErrorCode(error))) throw error;
    throw new ApiError("INVALID_FIELD", { message });
  };

/** Ten wrong codes lock the second factor for a quarter of an hour: better-auth's own bound. */
export const lockedOut = sayInstead(/LOCKED/, "Too many wrong codes. Try again in a quarter of an hour.");

/** For `catch`: a current password that is not the user's, said at its field. @throws again whatever else went wrong. */
export function wrongCurrentPassword(error: unknown): never {
  if (!/^(INVALID_PASSWORD|PASSWORD_TOO_LONG)$/.test(authErrorCode(error))) throw error;
  throw new ApiError("INVALID_FIELD", {
    message: "Something here needs another look.",
    fields: [{ field: "current_password", message: "This is not your current password." }],
  });
}
