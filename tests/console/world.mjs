// The world of a browser test: the built program with a data folder of its own, a browser, telephones.
//
// Everything is on a loopback network of its own (127.77.0.x), as the wire tests of tests/it are.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const EDGE = "127.77.0.1";
export const CARRIER = "127.77.0.2";
export const SHOP = "127.77.0.3";
export const BASE = `http://${EDGE}:8060`;
export const PASSWORD = "a password for tests";

const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
const PICTURES = path.join(TARGET, "console");

/** The program as it was built last, unless a test run says which. */
function program() {
  const built = ["proof", "release", "debug"].map((it) => path.join(TARGET, it, "crosspoint"));
  const found = process.env.CROSSPOINT ?? built.find(existsSync);
  if (!found) throw new Error(`crosspoint is not built: looked for ${built.join(", ")}`);
  return found;
}

const CONFIG = `
[[sip.listener]]
address = "${EDGE}:5060"
[media]
address = "${EDGE}"
ports = "17000-17199"
[api]
listen = "${EDGE}:8060"
[store]
directory = "database"
[[trunk]]
name = "carrier"
sources = ["${CARRIER}"]
addresses = ["${SHOP}:5060"]
default = true
probe = "off"
`;

/** The edge, freshly installed: nothing in its directory but a trunk, nobody who can sign in. */
export class Edge {
  static async start() {
    const edge = new Edge();
    edge.folder = mkdtempSync(path.join(tmpdir(), "crosspoint-console-"));
    const config = path.join(edge.folder, "edge.toml");
    writeFileSync(config, CONFIG);
    edge.process = spawn(
      program(),
      ["run", "--config", config, "--data", path.join(edge.folder, "data")],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    edge.said = "";
    for (const stream of [edge.process.stdout, edge.process.stderr])
      stream.on("data", (it) => (edge.said += it));
    edge.process.on("exit", (code) => (edge.ended = code ?? "a signal"));
    await until("the edge is ready", async () => {
      if (edge.ended !== undefined)
        throw new Error(`the edge ended with ${edge.ended}:\n${edge.said}`);
      return (await fetch(`${BASE}/health/ready`).catch(() => undefined))?.ok;
    });
    return edge;
  }

  /** The link that the first start prints, which sets the admin's password. */
  firstLink() {
    return /https?:\/\/\S+\/console\/#setup=\S+/.exec(this.said)?.[0];
  }

  async stop() {
    this.process.kill("SIGTERM");
    if (this.ended === undefined) await Promise.race([once(this.process, "exit"), sleep(5000)]);
    this.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const sleep = (ms) => new Promise((then) => setTimeout(then, ms));

/** Waits for something to become so, and says what did not. */
export async function until(what, is, within = 20_000) {
  const end = Date.now() + within;
  for (;;) {
    const found = await is();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come to this: ${what}`);
    await sleep(50);
  }
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  "--mute-audio",
];

export class Browser {
  static async open() {
    const it = new Browser();
    it.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: FLAGS,
    });
    mkdirSync(PICTURES, { recursive: true });
    return it;
  }

  /** A window of somebody's own: other cookies than everybody else's. */
  async window(options = {}) {
    const context = await this.chromium.newContext({
      viewport: { width: 1360, height: 900 },
      acceptDownloads: true,
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.wrong = [];
    page.on("pageerror", (error) => page.wrong.push(error.message));
    // What the content policy forbids is a fault of the pages; a refused request is not.
    page.on(
      "console",
      (it) => /Content Security Policy|Refused to/.test(it.text()) && page.wrong.push(it.text()),
    );
    page.keep = (name) => page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
    page.visit = (to) => page.goto(`${BASE}/console${to}`);
    return page;
  }

  close() {
    return this.chromium.close();
  }
}

export async function signIn(page, user, password = PASSWORD) {
  await page.visit("/");
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
}

/** A SIPp that answers calls, or places one. */
export class Telephone {
  constructor(args, folder = tmpdir()) {
    this.process = spawn("sipp", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    this.said = "";
    this.process.stderr.on("data", (it) => (this.said += it));
    this.over = once(this.process, "exit").then(([code]) => code);
  }

  static answering(address) {
    const scenario = path.join(ROOT, "tests/it/wire/sipp/answers.xml");
    const at = ["-i", address, "-mi", address, "-p", "5060"];
    return new Telephone(["-sf", scenario, ...at, "-nostdin"]);
  }

  /** Somebody who calls from the carrier, and speaks. */
  static calling(number, seconds, folder) {
    writeFileSync(path.join(folder, "speech.ulaw"), speech(4));
    const scenario = path.join(ROOT, "tests/console/caller.xml");
    const from = ["-i", CARRIER, "-mi", CARRIER, "-p", "5060"];
    const once = ["-m", "1", "-d", String(seconds * 1000), "-nostdin"];
    return new Telephone([`${EDGE}:5060`, "-sf", scenario, "-s", number, ...from, ...once], folder);
  }

  stop() {
    this.process.kill("SIGKILL");
  }
}

/** Something like syllables, in G.711 mu-law at 8 kHz. */
function speech(seconds) {
  return Buffer.from(
    Array.from({ length: seconds * 8000 }, (_, at) => {
      const loud = Math.max(0, Math.sin((at / 8000) * 2 * Math.PI * 1.3)) * 9000;
      return muLaw(Math.round(loud * Math.sin((at / 8000) * 2 * Math.PI * 220)));
    }),
  );
}

/** ITU-T G.711, table 2a. */
function muLaw(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const value = Math.min(Math.abs(sample), 32635) + 132;
  const exponent = Math.floor(Math.log2(value)) - 7;
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0f)) & 0xff;
}
