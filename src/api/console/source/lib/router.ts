// Where the reader is: real addresses under /console/, and a guard for unsaved changes.

import { Watched, useWatched } from "./use";

const BASE = "/console";

export interface Place {
  path: string;
  search: URLSearchParams;
}

function here(): Place {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : "/";
  return { path: path.replace(/\/+$/, "") || "/", search: new URLSearchParams(location.search) };
}

export const place = new Watched<Place>(here());
export const usePlace = () => useWatched(place);

/** Asked before the reader leaves; answers whether they may. */
let guard: (() => Promise<boolean>) | undefined;
let address = location.href;

export function setGuard(ask: (() => Promise<boolean>) | undefined) {
  guard = ask;
}

function moved() {
  address = location.href;
  place.set(here());
}

export async function go(to: string, options: { replace?: boolean; force?: boolean } = {}) {
  if (guard && !options.force && !(await guard())) return;
  guard = undefined;
  history[options.replace ? "replaceState" : "pushState"](null, "", BASE + to);
  moved();
  if (!options.replace) scrollTo(0, 0);
}

/** Other parameters for the same page; not a step of history. */
export function setSearch(parameters: Record<string, string | undefined>) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value) search.set(key, value);
  const text = search.toString();
  history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}`);
  moved();
}

/** One parameter of the page's address, so that the address says what is shown. */
export function useParameter(key: string): [value: string, set: (value: string) => void] {
  const { search } = usePlace();
  const set = (value: string) =>
    setSearch({ ...Object.fromEntries(place.get().search), [key]: value || undefined });
  return [search.get(key) ?? "", set];
}

export const hrefOf = (to: string) => BASE + to;

export function startRouter() {
  addEventListener("popstate", async () => {
    const wanted = location.href;
    if (guard) {
      // The browser has moved already: back to the page with the changes while its reader is asked.
      history.pushState(null, "", address);
      if (!(await guard())) return;
      guard = undefined;
      history.replaceState(null, "", wanted);
    }
    moved();
  });
  addEventListener("beforeunload", (event) => {
    if (guard) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey
    )
      return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    const href = link?.getAttribute("href") ?? "";
    if (
      !link ||
      link.hasAttribute("download") ||
      link.getAttribute("target") ||
      !href.startsWith(`${BASE}/`)
    )
      return;
    event.preventDefault();
    void go(href.slice(BASE.length));
  });
}

/** The parts of a path that fit a pattern such as `/queues/:name`. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return undefined;
  const found: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    if (part.startsWith(":")) {
      try {
        found[part.slice(1)] = decodeURIComponent(given[at]);
      } catch {
        return undefined;
      }
    } else if (part !== given[at]) return undefined;
  }
  return found;
}
