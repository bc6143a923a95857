// The nouns of the directory: what they are called here, and what they are for.

export interface KindInfo {
  kind: string;
  plural: string;
  one: string;
  many: string;
  icon: string;
  /** What a tracking number is, for somebody who has none yet. */
  about: string;
  /** Keys shown in the list, besides the name. */
  columns: readonly string[];
}

export const KINDS: readonly KindInfo[] = [
  {
    kind: "receiving_number",
    plural: "receiving_numbers",
    one: "Receiving Number",
    many: "Receiving Numbers",
    icon: "phone",
    about:
      "Where calls end up: a phone number behind a trunk, a SIP address, or a phone that " +
      "registers here.",
    columns: ["number", "description"],
  },
  {
    kind: "tracking_number",
    plural: "tracking_numbers",
    one: "Tracking Number",
    many: "Tracking Numbers",
    icon: "tracking",
    about: "A number that callers dial. It knows where its calls come from and where they go.",
    columns: ["label", "source", "route"],
  },
  {
    kind: "call_settings",
    plural: "call_settings",
    one: "Call Settings",
    many: "Call Settings",
    icon: "settings",
    about:
      "What tracking numbers share: recording, greeting, whisper, caller id. The set named " +
      '"default" holds where none is named.',
    columns: ["record", "max_duration"],
  },
  {
    kind: "schedule",
    plural: "schedules",
    one: "Schedule",
    many: "Schedules",
    icon: "schedule",
    about: "Opening hours by the clock on the wall of a time zone, with days that differ.",
    columns: ["zone", "hours"],
  },
  {
    kind: "queue",
    plural: "queues",
    one: "Queue",
    many: "Queues",
    icon: "queue",
    about: "Where callers wait, with music, for the next of its members to be free.",
    columns: ["members", "distribution", "max_wait"],
  },
  {
    kind: "voice_menu",
    plural: "voice_menus",
    one: "Voice Menu",
    many: "Voice Menus",
    icon: "menu",
    about: '"For sales press 1": a prompt, and where each key leads.',
    columns: ["prompt", "keys"],
  },
  {
    kind: "voicemail",
    plural: "voicemails",
    one: "Voicemail Box",
    many: "Voicemail",
    icon: "voicemail",
    about: "A greeting, a tone, and the caller's message, kept like a recording.",
    columns: ["greeting", "agent"],
  },
  {
    kind: "smart_router",
    plural: "smart_routers",
    one: "Smart Router",
    many: "Smart Routers",
    icon: "split",
    about:
      "Rules in order; the first that holds says where the call goes: by caller, time, source, " +
      "queue.",
    columns: ["rule", "otherwise"],
  },
  {
    kind: "geo_router",
    plural: "geo_routers",
    one: "Geo Router",
    many: "Geo Routers",
    icon: "geo",
    about: "The caller's ZIP code leads to the place nearest to them.",
    columns: ["zips", "otherwise"],
  },
  {
    kind: "virtual_agent",
    plural: "virtual_agents",
    one: "Virtual Agent",
    many: "Virtual Agents",
    icon: "bot",
    about: "A program that talks with callers over a WebSocket, and may hand them on.",
    columns: ["url", "no_answer"],
  },
  {
    kind: "agent",
    plural: "agents",
    one: "Agent",
    many: "Agents",
    icon: "agent",
    about: "A person who is credited with calls, and all that rings them.",
    columns: ["full_name", "account", "numbers"],
  },
  {
    kind: "account",
    plural: "accounts",
    one: "SIP Account",
    many: "SIP Accounts",
    icon: "account",
    about: "User and password for phones that register here; what they may call outside.",
    columns: ["max_contacts", "call_out"],
  },
  {
    kind: "trunk",
    plural: "trunks",
    one: "Trunk",
    many: "Trunks",
    icon: "trunk",
    about: "A carrier: how its calls are recognised, and how ours reach it.",
    columns: ["addresses", "sources"],
  },
  {
    kind: "tag_rule",
    plural: "tag_rules",
    one: "Tag Rule",
    many: "Tag Rules",
    icon: "tag",
    about: "Tags that finished calls are given by what became of them.",
    columns: ["when", "tags"],
  },
  {
    kind: "webhook",
    plural: "webhooks",
    one: "Webhook",
    many: "Webhooks",
    icon: "webhook",
    about: "A URL that is told what happens to calls: signed, in order, again until it arrives.",
    columns: ["url", "events"],
  },
];

export function kindOf(plural: string): KindInfo | undefined {
  return KINDS.find((it) => it.plural === plural);
}

export function pluralOf(kind: string): string | undefined {
  return KINDS.find((it) => it.kind === kind)?.plural;
}
