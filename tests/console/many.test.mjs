// Many calls: five hundred at once on Live Calls, thousands in the log.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import {
  api,
  Browser,
  CARRIER,
  Edge,
  EDGE,
  enter,
  hands,
  looked,
  ROOT,
  SHOP,
  Telephone,
  until,
} from "./world.mjs";

const NUMBER = "+12025550100";
const CALLS = 500;
const DIRECTORY = `
[[call_settings]]
name = "default"
record = false

[[receiving_number]]
name = "shop"
number = "sip:shop@${SHOP}:5060"

[[tracking_number]]
number = "${NUMBER}"
source = "radio"
dial = ["shop"]

[[trunk]]
name = "carrier"
sources = ["${CARRIER}"]
addresses = ["${SHOP}:5060"]
default = true
probe = "off"
max_calls_per_second = 1000
`;

let edge, browser, page, callers;
let heading, menu;
const phones = [];

before(async () => {
  edge = await Edge.start((config) => config.replace("17000-17199", "17000-19999"));
  browser = await Browser.open();
  page = await browser.window();
  ({ heading, menu } = hands(page));
  phones.push(Telephone.answering(SHOP));
  await enter(page, edge);
  const type = { "Content-Type": "application/toml" };
  const taken = await api(page, "PUT", "/v1/directory", DIRECTORY, type);
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
});

afterEach((told) => looked(page, told));

after(async () => {
  for (const phone of phones) phone.stop();
  await browser?.close();
  await edge?.stop();
});

/** So many callers who say nothing, and stay. */
function silent(count) {
  const told = readFileSync(path.join(ROOT, "tests/console/stays.xml"), "utf8");
  const file = path.join(edge.folder, "silent.xml");
  writeFileSync(
    file,
    told.replace(/<nop>.*<\/nop>/, "").replace("[rtpstream_audio_port]", "[media_port]"),
  );
  const from = ["-i", CARRIER, "-mi", CARRIER, "-p", "5060"];
  const rate = ["-r", "40", "-m", String(count), "-l", String(count), "-nostdin"];
  return new Telephone([`${EDGE}:5060`, "-sf", file, "-s", NUMBER, ...from, ...rate]);
}

/** What a page does for so long: the time it blocks, how late its frames are, what it changes. */
const watched = (ms) =>
  page.evaluate(async (ms) => {
    const found = { blocked: 0, longest: 0, changed: 0, texts: 0 };
    const tasks = new PerformanceObserver((list) => {
      for (const it of list.getEntries()) found.blocked += it.duration;
    });
    tasks.observe({ entryTypes: ["longtask"] });
    const changes = new MutationObserver((list) => {
      for (const it of list) found[it.type === "characterData" ? "texts" : "changed"]++;
    });
    const about = { subtree: true, childList: true, attributes: true, characterData: true };
    changes.observe(document.querySelector("main"), about);
    const end = performance.now() + ms;
    for (let last = performance.now(); last < end;) {
      const now = await new Promise(requestAnimationFrame);
      found.longest = Math.max(found.longest, now - last);
      last = now;
    }
    tasks.disconnect();
    changes.disconnect();
    return Object.fromEntries(Object.entries(found).map(([key, it]) => [key, Math.round(it)]));
  }, ms);

test("five hundred calls are shown as they come, and the page stays smooth", async (told) => {
  await menu("Live Calls").click();
  callers = silent(CALLS);
  phones.push(callers);
  const cards = page.locator(".live-call");
  await cards.first().waitFor();
  const coming = await watched(8000);
  await until("all are there", async () => (await cards.count()) === CALLS, 60_000);
  await until("all talk", async () => {
    const { items } = (await api(page, "GET", "/v1/calls?limit=1000")).body;
    return items.every((it) => it.state === "talking");
  });
  await page.waitForTimeout(3000);
  const still = await watched(5000);
  await page.keep("many-1-live");
  told.diagnostic(`as they come: ${JSON.stringify(coming)}; then: ${JSON.stringify(still)}`);
  assert.equal(still.changed, 0, "nothing happens, so nothing is drawn but the clocks");
  assert.ok(still.texts > CALLS * 5, "which run");
  assert.ok(still.blocked < 1000, `the page was blocked for ${still.blocked} of 5000 ms`);
  assert.ok(coming.blocked < 4000, `the page was blocked for ${coming.blocked} of 8000 ms`);
});

test("they are looked through by state, number and name", async () => {
  await page.getByRole("radio", { name: "Ringing 0" }).click();
  await heading("No call fits").waitFor();
  await page.getByRole("radio", { name: `Talking ${CALLS}` }).click();
  await page.getByRole("searchbox").fill("512 555");
  assert.equal(await page.locator(".live-call").count(), CALLS);
  await page.getByRole("searchbox").fill("nobody");
  await heading("No call fits").waitFor();
  assert.match(page.url(), /state=talking&q=nobody$/);
  await page.visit("/live");
});

test("all of them are in the log, page by page; none is lost as new ones come", async (told) => {
  await page.evaluate(async () => {
    const csrf = (await (await fetch("/v1/session")).json()).csrf;
    const { items } = await (await fetch("/v1/calls?limit=1000")).json();
    const to = (id) => `/v1/calls/${encodeURIComponent(id)}/hangup`;
    for (const { id } of items)
      await fetch(to(id), { method: "POST", headers: { "X-CSRF-Token": csrf } });
  });
  assert.equal(await callers.over, 0, callers.said);
  await menu("Call Log").click();
  await page.getByText("Answered", { exact: true }).nth(40).waitFor();
  const rows = page.locator("tbody tr");
  const open = rows.filter({ hasText: "In progress" });
  await until("the last are written", async () => (await open.count()) === 0);
  const more = page.getByRole("button", { name: "Show more" });
  for (let shown = 50; shown < 200; shown += 50) {
    await more.click();
    await until(`${shown + 50} are shown`, async () => (await rows.count()) === shown + 50);
  }
  await page.getByText("200 are shown").waitFor();
  const before = new Set(await ids());
  assert.equal(before.size, 200);
  const one = silent(3);
  phones.push(one);
  await until("new ones are on top", async () => (await ids()).length === 203);
  const now = new Set(await ids());
  for (const it of before) assert.ok(now.has(it), "it is not lost between the pages");
  const still = await watched(3000);
  told.diagnostic(`203 rows, three calls running: ${JSON.stringify(still)}`);
  assert.ok(still.blocked < 1500, `the page was blocked for ${still.blocked} of 3000 ms`);
  await page.keep("many-2-log");
});

const ids = () =>
  page.locator("tbody tr td:first-child a").evaluateAll((all) => all.map((it) => it.href));

test("what is searched is in the address, for others too, and in the export", async () => {
  await page.getByLabel("Source", { exact: true }).fill("radio");
  await page.getByLabel("Outcome").selectOption("answered");
  await page.getByLabel("From").fill("2020-01-01");
  await until("it is in the address", () => /outcome=answered/.test(page.url()));
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.locator("tbody tr").nth(49).waitFor();
  assert.equal(await other.getByLabel("Source", { exact: true }).inputValue(), "radio");
  assert.equal(await other.getByLabel("Outcome").inputValue(), "answered");
  assert.equal(await other.getByLabel("From").inputValue(), "2020-01-01");
  const csv = async (where) => {
    const download = where.waitForEvent("download");
    await where.getByRole("link", { name: "CSV" }).click();
    return readFileSync(await (await download).path(), "utf8")
      .trim()
      .split("\r\n")
      .slice(1);
  };
  const lines = await csv(other);
  assert.equal(lines.length, CALLS);
  assert.ok(lines.every((it) => it.includes("radio")));
  await other.getByLabel("Outcome").selectOption("busy");
  await other.getByRole("heading", { name: "No call fits" }).waitFor();
  assert.deepEqual(await csv(other), []);
  await other.close();
});

test("a search that looks back for long says how far it is, stops, and goes on", async () => {
  const { items } = (await api(page, "GET", "/v1/records?limit=2")).body;
  const day = (text) => Date.parse(`${text}T12:00:00Z`) * 1000;
  // As the API answers over millions of calls, whose pages end early.
  const answers = {
    "": { items: [], next: "a", looked_back_to: day("2025-06-30") },
    a: { items: [items[0]], next: "b", looked_back_to: day("2025-05-03") },
    b: { items: [items[1]], next: "c", looked_back_to: day("2025-04-01") },
    c: { items: [] },
  };
  const asked = [];
  let goOn;
  const held = new Promise((then) => (goOn = then));
  await page.route("**/v1/records?*", async (route) => {
    const after = new URL(route.request().url()).searchParams.get("after") ?? "";
    if (after) asked.push(after);
    if (after === "b") await held;
    await route.fulfill({ json: answers[after] });
  });
  await page.visit("/calls?tag=rare");
  const rows = page.locator("tbody tr");
  await page.getByText("Looking back to May 3, 2025, 1 found").waitFor();
  assert.equal(await rows.count(), 1, "what was found is shown at once");
  await page.keep("many-3-looking-back");
  await page.getByRole("button", { name: "Stop" }).click();
  goOn();
  await page.getByText("Looked back to April 1, 2025, 2 found").waitFor();
  assert.deepEqual(asked, ["a", "b"], "it asks no more");
  await page.getByRole("button", { name: "Go on looking" }).click();
  await page.getByText("Looked back").waitFor({ state: "detached" });
  assert.equal(await rows.count(), 2);
  assert.equal(await page.getByRole("button", { name: "Show more" }).count(), 0);

  // Nothing was found only when all was looked through.
  answers.a.items = answers.b.items = [];
  asked.length = 0;
  await page.visit("/calls?tag=none");
  await heading("No call fits").waitFor();
  assert.deepEqual(asked, ["a", "b", "c"]);
  await page.unroute("**/v1/records?*");
});
