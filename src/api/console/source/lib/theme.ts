// Light or dark: by the system's wish, until the reader switches.

import { Watched } from "./use";

export type Theme = "light" | "dark";
const KEPT = "crosspoint-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function kept(): Theme | undefined {
  try {
    const text = localStorage.getItem(KEPT);
    return text === "light" || text === "dark" ? text : undefined;
  } catch {
    return undefined;
  }
}

function wanted(): Theme {
  return kept() ?? (system.matches ? "dark" : "light");
}

export const theme = new Watched<Theme>(wanted());

function apply() {
  theme.set(wanted());
  document.documentElement.dataset.theme = theme.get();
}

export function startTheme() {
  apply();
  system.addEventListener("change", apply);
}

export function switchTheme() {
  try {
    localStorage.setItem(KEPT, theme.get() === "dark" ? "light" : "dark");
  } catch {
    // A browser that keeps nothing stays with the system's wish.
  }
  apply();
}
