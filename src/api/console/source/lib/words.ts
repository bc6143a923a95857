// Keys and choices as people read them.

const KEYS: Record<string, string> = {
  ha1_md5: "HA1 (MD5)",
  ha1_sha256: "HA1 (SHA-256)",
  caller_id: "Caller ID",
  caller_ids: "Caller IDs",
  tcp_too: "TCP too",
  url: "URL",
  zips: "ZIP codes",
  zone: "Time zone",
  rule: "Rules",
  max_contacts: "Phones at once",
  call_out: "Calling out",
  inbound_user: "Inbound user",
  number_prefix: "Technical prefix",
  keys: "Keys",
  open: "Schedule open",
};

const ACRONYMS: Record<string, string> = {
  id: "ID",
  sip: "SIP",
  tcp: "TCP",
  udp: "UDP",
  url: "URL",
  zip: "ZIP",
  uk: "UK",
  us: "US",
  eu: "EU",
  api: "API",
  http: "HTTP",
};

/** `max_calls_per_second` as "Max calls per second". */
export function label(key: string): string {
  const known = KEYS[key];
  if (known) return known;
  const words = key
    .replaceAll("_", " ")
    .replaceAll(".", " ")
    .split(" ")
    .map((it) => ACRONYMS[it] ?? it);
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const CHOICES: Record<string, string> = {
  simultaneous: "All at once",
  sequence: "One after the other",
  round_robin: "Round robin",
  least_connected: "Least connected first",
  weighted: "By weight",
  stages: "In stages",
  longest_idle: "Longest idle",
  sticky: "Whom they talked with last",
  auto: "Automatic (RFC 4733, or in-band)",
  info: "SIP INFO",
  in_band: "In-band tones",
  relay: "What the destination sends",
  ringing: "Ringing",
  us: "Ringing, United States",
  uk: "Ringing, United Kingdom",
  eu: "Ringing, Europe",
  asserted: "P-Asserted-Identity",
  remote_party: "Remote-Party-ID",
  from_only: "From only",
  udp: "UDP",
  tcp: "TCP",
  tls: "TLS",
  answer: "Answered on entry",
  early_media: "Early media (not answered)",
  caller: "The caller's number",
  tracking: "The tracking number",
  anonymous: "No number",
  plus: "+15550100001",
  digits: "15550100001",
  hangup: "Hang up",
};

export function choice(word: string): string {
  return CHOICES[word] ?? label(word);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** 1.4 MB */
export function sayBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  let size = bytes;
  while (size >= 1000 && at < units.length - 1) ((size /= 1000), at++);
  return `${at === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[at]}`;
}

/** What became of a call or leg. */
export function outcome(word: string | null | undefined): {
  text: string;
  tone: "good" | "warn" | "bad" | "";
} {
  switch (word) {
    case "answered":
      return { text: "Answered", tone: "good" };
    case "in_progress":
      return { text: "In progress", tone: "good" };
    case "no_answer":
      return { text: "No answer", tone: "warn" };
    case "busy":
      return { text: "Busy", tone: "warn" };
    case "declined":
      return { text: "Declined", tone: "warn" };
    case "abandoned":
      return { text: "Abandoned", tone: "" };
    case "missed":
      return { text: "Missed", tone: "warn" };
    case "interrupted":
      return { text: "Interrupted", tone: "bad" };
    case "failed":
      return { text: "Failed", tone: "bad" };
    case "elsewhere":
      return { text: "Elsewhere", tone: "" };
    case "invalid_number":
      return { text: "Invalid number", tone: "bad" };
    case null:
    case undefined:
    case "":
      return { text: "-", tone: "" };
    default:
      return { text: label(word), tone: "" };
  }
}
