// The world of a browser test: the built program with a data folder of its own, a browser,
// telephones.
//
// Everything is on a loopback network that nobody else has (127.N.0.x), as the wire tests of
// tests/it are; but for the quickstart, which is run as `make run` runs it, at the addresses that
// it names.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const NET = await network();
export const EDGE = `${NET}.1`;
export const CARRIER = `${NET}.2`;
export const SHOP = `${NET}.3`;
export const MOBILE = `${NET}.4`;
export const RECEIVER = `${NET}.9`;
export const BASE = `http://${EDGE}:8060`;
export const QUICK = { edge: "127.0.0.1", carrier: "127.0.0.2", base: "http://127.0.0.1:8060" };
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

export class Edge {
  /** Freshly installed: nothing in its directory but a trunk, nobody who can sign in. */
  static start(changed = (config) => config) {
    return Edge.inFolder().start(changed);
  }

  start(changed = (config) => config) {
    const config = path.join(this.folder, "edge.toml");
    writeFileSync(config, changed(CONFIG));
    return this.run(["--config", config, "--data", path.join(this.folder, "data")], BASE);
  }

  /** As `make run` runs it: what is embedded, in an empty folder. */
  static async quickstart() {
    const edge = Edge.inFolder();
    await until("nobody else is at 127.0.0.1:5060", () => isFree(QUICK.edge, 5060), 60_000);
    return edge.run([], QUICK.base);
  }

  static inFolder() {
    const edge = new Edge();
    edge.folder = mkdtempSync(path.join(tmpdir(), "crosspoint-console-"));
    return edge;
  }

  /** Stops it, and starts it on what it kept. */
  async again() {
    await this.ends();
    return this.run(...this.how);
  }

  async run(options, base) {
    const stdio = ["ignore", "pipe", "pipe"];
    this.how = [options, base];
    this.process = spawn(program(), ["run", ...options], { stdio, cwd: this.folder });
    this.said = "";
    this.ended = undefined;
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on("data", (it) => (this.said += it));
    this.process.on("exit", (code) => (this.ended = code ?? "a signal"));
    await until("the edge is ready", async () => {
      if (this.ended !== undefined)
        throw new Error(`the edge ended with ${this.ended}:\n${this.said}`);
      return (await fetch(`${base}/health/ready`).catch(() => undefined))?.ok;
    });
    return this;
  }

  /** The link that the first start prints, which sets the admin's password. */
  firstLink() {
    return /https?:\/\/\S+\/console\/#setup=\S+/.exec(this.said)?.[0];
  }

  async ends() {
    this.process.kill("SIGTERM");
    if (this.ended === undefined) await Promise.race([once(this.process, "exit"), sleep(5000)]);
    this.process.kill("SIGKILL");
  }

  async stop() {
    await this.ends();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Takes this UDP port, if nobody has it, for as long as this process lives or until it is closed. */
function taken(address, port) {
  return new Promise((then) => {
    const socket = createSocket("udp4");
    socket.once("error", () => then(undefined));
    socket.bind(port, address, () => then(socket.unref()));
  });
}

/** A network that nobody else has: whoever has its last address has it. */
async function network() {
  for (let net = 70; net < 100; net++)
    if (await taken(`127.${net}.0.254`, 5060)) return `127.${net}.0`;
  throw new Error("no network of 127.70.0.x to 127.99.0.x is free");
}

/** Whether nobody has this UDP port. */
async function isFree(address, port) {
  const socket = await taken(address, port);
  await new Promise((then) => (socket ? socket.close(then) : then()));
  return socket !== undefined;
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
  async window({ base = BASE, ...options } = {}) {
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
    page.visit = (to) => page.goto(`${base}/console${to}`);
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

  /** Somebody who calls from the carrier, speaks, and hangs up. */
  static calling(number, seconds, folder, at = { edge: EDGE, carrier: CARRIER }) {
    return Telephone.carrier("caller", number, ["-d", String(seconds * 1000)], folder, at);
  }

  /** Somebody who calls from the carrier, and speaks until it is hung up on. */
  static staying(number, folder, at = { edge: EDGE, carrier: CARRIER }) {
    return Telephone.carrier("stays", number, [], folder, at);
  }

  static carrier(scenario, number, more, folder, { edge, carrier }) {
    writeFileSync(path.join(folder, "speech.ulaw"), speech(4));
    const file = path.join(ROOT, "tests/console", `${scenario}.xml`);
    const from = ["-i", carrier, "-mi", carrier, "-p", "5060"];
    const once = ["-m", "1", "-nostdin", "-timeout", "120", "-timeout_error", ...more];
    return new Telephone([`${edge}:5060`, "-sf", file, "-s", number, ...from, ...once], folder);
  }

  stop() {
    this.process.kill("SIGKILL");
  }
}

/** baresip, as anybody sets it up: a server, a user, a password. It answers by itself. */
export class Softphone {
  constructor({ folder, at, server, user, password }) {
    const home = path.join(folder, "softphone");
    mkdirSync(home);
    writeFileSync(path.join(home, "voice.wav"), wav(tone(440, 30)));
    const config = [
      `sip_listen ${at}:5060`,
      "module_path /usr/lib/baresip/modules",
      `audio_source aufile,${path.join(home, "voice.wav")}`,
      `audio_player aufile,${path.join(home, "heard.wav")}`,
      "module g711.so",
      "module aufile.so",
      "module_tmp account.so",
      "module_app menu.so",
      "rtp_ports 27000-27100",
    ];
    const account =
      `<sip:${user}@${server}>;auth_pass=${password};answermode=auto;regint=60;` +
      "audio_codecs=PCMU\n";
    writeFileSync(path.join(home, "config"), `${config.join("\n")}\n`);
    writeFileSync(path.join(home, "accounts"), account);
    writeFileSync(path.join(home, "contacts"), "");
    const stdio = ["ignore", "pipe", "pipe"];
    this.process = spawn("baresip", ["-v", "-f", home], { cwd: home, stdio });
    this.said = "";
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on("data", (it) => (this.said += it));
  }

  stop() {
    this.process.kill("SIGKILL");
  }
}

/** A key that opens recordings, made and thrown away; its recipient, whom they are sealed for. */
export function newKey() {
  const folder = mkdtempSync(path.join(tmpdir(), "crosspoint-key-"));
  const made = spawnSync(program(), ["recording", "keygen", path.join(folder, "key")]);
  rmSync(folder, { recursive: true });
  const found = /age1[0-9a-z]+/.exec(`${made.stdout}${made.stderr}`)?.[0];
  assert.ok(found, `${made.stdout}${made.stderr}`);
  return found;
}

/** A receiver of webhooks, which answers with the status that it is told. */
export class Receiver {
  static async at(address, port) {
    const it = new Receiver();
    it.status = 500;
    it.heard = [];
    it.server = createServer((request, response) => {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        it.heard.push({ status: it.status, body: JSON.parse(body) });
        response.writeHead(it.status).end();
      });
    });
    await new Promise((then) => it.server.listen(port, address, then));
    return it;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** An object storage of one bucket, as S3 has it; it refuses everything while it is told to. */
export class Storage {
  static async at(address, port) {
    const it = new Storage();
    it.refuses = true;
    it.kept = new Map();
    it.server = createServer((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => it.answer(request, Buffer.concat(parts), response));
    });
    await new Promise((then) => it.server.listen(port, address, then));
    return it;
  }

  answer({ method, url }, body, response) {
    if (this.refuses) {
      const why = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
      return response.writeHead(403, { "Content-Type": "application/xml" }).end(why);
    }
    if (method === "PUT") this.kept.set(url, body);
    const found = this.kept.get(url);
    if (!found) return response.writeHead(404).end();
    const about = {
      ETag: `"${createHash("md5").update(found).digest("hex")}"`,
      "Last-Modified": new Date().toUTCString(),
      "Content-Length": method === "PUT" ? 0 : found.length,
    };
    response.writeHead(200, about).end(method === "GET" ? found : undefined);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A PostgreSQL of Debian with an empty database; nothing where there is none. */
export class Postgres {
  static start() {
    const root = "/usr/lib/postgresql";
    const versions = existsSync(root) ? readdirSync(root).sort().reverse() : [];
    const found = versions.find((it) => existsSync(`${root}/${it}/bin/initdb`));
    if (!found) return void console.error("*** NOT TESTED: PostgreSQL; install-peers installs it");
    const it = new Postgres();
    it.programs = `${root}/${found}/bin`;
    it.folder = mkdtempSync(path.join(tmpdir(), "crosspoint-postgres-"));
    // It does not run as root.
    if (process.getuid() === 0) spawnSync("chown", ["postgres", it.folder]);
    it.run("initdb", "-D", "data", "-U", "crosspoint", "-A", "trust", "-E", "UTF8");
    const settings = `listen_addresses = ''\nfsync = off\nunix_socket_directories = '${it.folder}'\n`;
    writeFileSync(path.join(it.folder, "data/postgresql.auto.conf"), settings);
    it.begin();
    it.run("createdb", "-h", it.folder, "-U", "crosspoint", "crosspoint");
    it.url = `postgres://crosspoint@${it.folder.replaceAll("/", "%2F")}/crosspoint`;
    return it;
  }

  begin() {
    this.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", "60", "start");
  }

  end() {
    this.run("pg_ctl", "-D", "data", "-w", "-m", "fast", "stop");
  }

  run(name, ...more) {
    const told = [path.join(this.programs, name), ...more];
    const user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
    const [program, ...rest] = process.getuid() === 0 ? [...user, ...told] : told;
    const how = { cwd: this.folder, env: { ...process.env, LC_ALL: "C.UTF-8" }, stdio: "ignore" };
    assert.equal(spawnSync(program, rest, how).status, 0, told.join(" "));
  }

  drop() {
    try {
      this.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop");
    } catch {
      // It has ended already.
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A disk of its own, for as long as a test runs; nothing where nobody may mount one. */
export class Disk {
  static mount(at, kilobytes) {
    mkdirSync(at, { recursive: true });
    const options = ["-t", "tmpfs", "-o", `size=${kilobytes}k,mode=0755`, "tmpfs", at];
    const { status, stderr } = spawnSync("mount", options, { encoding: "utf8" });
    if (status !== 0) return void console.error(`*** NOT TESTED: a disk of its own: ${stderr}`);
    const disk = new Disk();
    disk.at = at;
    return disk;
  }

  again(how) {
    assert.equal(spawnSync("mount", ["-o", `remount,${how}`, this.at]).status, 0, how);
  }

  fill() {
    const left = statfsSync(this.at);
    writeFileSync(path.join(this.at, "filler"), Buffer.alloc(left.bavail * left.bsize));
  }

  empty() {
    rmSync(path.join(this.at, "filler"));
  }

  drop() {
    spawnSync("umount", ["-l", this.at]);
  }
}

/** What a test says again and again of a page. */
export function hands(page) {
  return {
    button: (name, where = page) => where.getByRole("button", { name, exact: true }),
    heading: (name, where = page) => where.getByRole("heading", { name, exact: true }),
    // How many calls there are stands beside "Live Calls".
    menu: (name) =>
      page
        .getByRole("navigation", { name: "Main" })
        .getByRole("link", { name: new RegExp(`^${name}( \\d+ now)?$`) }),
    said: (text, where = page) =>
      where.getByRole("region", { name: "Messages" }).getByText(text).last(),
    section: (name) => page.getByRole("region", { name, exact: true }),
    dialog: (name) => page.getByRole("dialog", { name }),
    /** What a picker of receiving numbers offers. */
    offered: (name) =>
      page.getByRole("listbox", { name: "Receiving numbers" }).getByRole("option", { name }),
  };
}

/** Makes the first admin by the link that the program printed, and enters. */
export async function enter(page, edge, user = "ada") {
  await page.goto(await until("a link is printed", () => edge.firstLink()));
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and enter" }).click();
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
}

/** What the API says, asked as the page would. */
export const api = (where, method, to, body, headers = {}) =>
  where.evaluate(
    async ([method, to, body, headers]) => {
      const csrf = (await (await fetch("/v1/session")).json()).csrf;
      const sent = {
        method,
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, ...headers },
        body: typeof body === "string" ? body : body && JSON.stringify(body),
      };
      for (const key of Object.keys(sent.headers))
        if (sent.headers[key] === null) delete sent.headers[key];
      const answer = await fetch(to, sent);
      const text = await answer.text();
      return {
        status: answer.status,
        body: text && /json/.test(answer.headers.get("content-type")) ? JSON.parse(text) : text,
      };
    },
    [method, to, body, headers],
  );

/** That nothing went wrong in a window, and a picture of it if a test failed. */
export async function looked(page, told) {
  if (told.passed === false && page) {
    await page.keep(`failed-${told.name.replace(/\W+/g, "-").slice(0, 60)}`).catch(() => {});
    // The next one shall not fail for what lies over the page.
    await page.keyboard.press("Escape").catch(() => {});
  }
  assert.deepEqual(page?.wrong, [], "errors in the browser");
}

/** A tone, as samples of 16 bits at 8 kHz. */
export function tone(hertz, seconds) {
  const step = (2 * Math.PI * hertz) / 8000;
  return Int16Array.from({ length: seconds * 8000 }, (_, at) => 8000 * Math.sin(at * step));
}

/** Samples as a WAV file. */
export function wav(samples) {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.length * 2, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(16_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.length * 2, 40);
  return Buffer.concat([head, Buffer.from(samples.buffer)]);
}

/** How many frames of 20 ms of these samples are mostly this tone (Goertzel). */
export function framesOf(samples, hertz) {
  const step = (2 * Math.PI * hertz) / 8000;
  let frames = 0;
  for (let from = 0; from + 160 <= samples.length; from += 160) {
    let [re, im, power] = [0, 0, 0];
    for (let at = 0; at < 160; at++) {
      const sample = samples[from + at];
      re += sample * Math.cos(at * step);
      im += sample * Math.sin(at * step);
      power += sample * sample;
    }
    if (power > 160 * 200 * 200 && (re * re + im * im) * 2 > 0.6 * 160 * power) frames++;
  }
  return frames;
}

/** The samples of a recording: two sides of G.711 mu-law, one after the other. */
export function samplesOf(file) {
  const bytes = readFileSync(file);
  assert.equal(bytes.readUInt16LE(20), 7, "mu-law");
  return Int16Array.from(bytes.subarray(bytes.indexOf("data") + 8), linear);
}

/** What `muLaw` was given. */
function linear(byte) {
  const code = ~byte & 0xff;
  const value = (((code & 0x0f) << 3) + 132) << ((code >> 4) & 0x07);
  return code & 0x80 ? 132 - value : value - 132;
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
