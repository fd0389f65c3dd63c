import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const SCREENS = join(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))), ".screens");

/** Debian's Chromium, as it runs without a desktop and as root. Another one by CHROMIUM. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

const LOOKS = {
  light: { width: 1280, height: 850, colorScheme: "light" },
  dark: { width: 1280, height: 850, colorScheme: "dark" },
  narrow: { width: 360, height: 740, colorScheme: "light" },
} as const;

/**
 * Looks at the page as it is: no violation that axe knows, in light and dark; no sideways scrolling at 360
 * pixels. Leaves a screenshot of each look in `.screens/`, for people to look at.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENS, { recursive: true });
  for (const [look, { width, height, colorScheme }] of Object.entries(LOOKS)) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Colours glide into the next look; those of what the page has replaced meanwhile are broken off.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
    await page.screenshot({ path: join(SCREENS, `${name}-${look}.png`), fullPage: true });
    if (look === "narrow") {
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      expect([name, scrolled]).toEqual([name, 360]);
    } else {
      // Colours are all that the look changes.
      const axe =
        look === "light" ? new AxeBuilder({ page }) : new AxeBuilder({ page }).withRules("color-contrast");
      const { violations } = await axe.analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" ")}`);
      expect([name, look, found]).toEqual([name, look, []]);
    }
  }
  await page.setViewportSize({ width: 1280, height: 850 });
  await page.emulateMedia({ colorScheme: "light" });
}
