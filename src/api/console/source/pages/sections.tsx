// Forms of nouns without a page of their own: their keys in sections, what is left at the end.

import type { ComponentChildren } from "preact";
import { AnyField, isWide } from "../form/any";
import { MembersField } from "../form/members";
import type { Field } from "../form/schema";
import type { FormProps } from "./noun";

type Sections = readonly (readonly [title: string, about: string, keys: readonly string[]])[];

const SECTIONS: Record<string, Sections> = {
  call_settings: [
    [
      "Name",
      'Tracking numbers name one of these sets. The one called "default" holds for all others.',
      ["name"],
    ],
    [
      "Recording",
      "A receiving number that prevents recording always wins.",
      ["record", "recording_notice", "keep_recordings"],
    ],
    [
      "What people hear",
      "The greeting is for the caller, the whisper for the person who answers.",
      ["greeting", "whisper", "ringback", "hold_music", "early_media", "voice"],
    ],
    ["Caller ID", "What destinations see, unless they have a rule of their own.", ["caller_id"]],
    ["Block list", "These callers hear busy and are kept out of the call log.", ["block_list"]],
    ["Limits", "", ["max_duration"]],
  ],
  queue: [
    [
      "Queue",
      "Who takes its calls, and in which order they are offered.",
      ["name", "members", "distribution"],
    ],
    [
      "While callers wait",
      "",
      ["music", "welcome", "position", "announcement", "announce_every", "entry"],
    ],
    [
      "How long they wait",
      "Callers whom nobody takes in time go elsewhere.",
      ["max_wait", "max_length", "no_answer", "bypass_unavailable"],
    ],
    [
      "Hours",
      "Outside of its schedule, calls go straight elsewhere.",
      ["schedule", "outside_hours"],
    ],
    ["Members", "", ["wrap_up"]],
  ],
  voicemail: [
    ["Box", "Said to the caller, then a tone, then the message.", ["name", "greeting", "agent"]],
    ["Message", "", ["max_length", "silence", "min_length"]],
  ],
  geo_router: [
    [
      "Asking",
      "Callers type their ZIP code. Without a prompt nobody is asked.",
      ["name", "prompt", "invalid", "timeout", "repeats", "area_code"],
    ],
    ["ZIP codes", "The longest beginning that fits stands.", ["zips"]],
    [
      "Nearest place",
      "Each place by its own ZIP code; callers go to the one that is nearest.",
      ["nearest", "max_miles"],
    ],
    ["Otherwise", "", ["otherwise"]],
  ],
  virtual_agent: [
    [
      "Virtual agent",
      "A program that speaks the Media Streams protocol over a WebSocket.",
      ["name", "url", "parameters", "timeout"],
    ],
    [
      "Handing calls on",
      "The program hands a call back by one of these names.",
      ["routes", "after", "no_answer"],
    ],
    ["Limits", "", ["max_duration", "prevent_recording"]],
  ],
  agent: [
    [
      "Agent",
      "Everything here rings when a route leads to this agent.",
      ["name", "full_name", "account", "numbers"],
    ],
  ],
  account: [
    [
      "Credentials",
      "What the phone is told: this user and password, and the address of this edge.",
      ["user", "password", "ha1_md5", "ha1_sha256", "max_contacts"],
    ],
    ["Calling out", "Without this, its phones call nobody outside.", ["call_out"]],
  ],
  trunk: [
    ["Trunk", "", ["name", "default"]],
    [
      "Calls from it",
      "A call is this trunk's when it comes from one of these networks, and proves it if it must.",
      ["sources", "allow_any_source", "listeners", "inbound_user", "inbound_password"],
    ],
    [
      "Calls to it",
      "Where ours go, and what answers its challenges.",
      ["addresses", "user", "password", "realm"],
    ],
    [
      "How it wants things",
      "",
      [
        "numbers",
        "number_prefix",
        "caller_id",
        "early_media",
        "keys",
        "reliable",
        "session_timer",
        "session_min",
      ],
    ],
    [
      "Health",
      "OPTIONS asks each address whether it is there.",
      ["probe", "probe_down_after", "probe_up_after", "cooldown"],
    ],
    ["Limits", "", ["max_calls", "max_calls_per_second"]],
  ],
};

export function Section({
  title,
  about,
  id,
  children,
}: {
  title: string;
  about?: ComponentChildren;
  id?: string;
  children: ComponentChildren;
}) {
  return (
    <section class="section" aria-label={title} id={id}>
      <div class="about">
        <h2>{title}</h2>
        {about && <p>{about}</p>}
      </div>
      <div class="content">{children}</div>
    </section>
  );
}

export function SectionsForm({ editor, form }: FormProps) {
  const known = SECTIONS[form.kind] ?? [["Settings", form.doc, []]];
  const placed = new Set(known.flatMap((it) => it[2]));
  const drawn = (field: Field) => !(field.name === form.nameKey && editor.name !== undefined);
  const rest = form.fields.filter((it) => !placed.has(it.name) && drawn(it));
  const sections = known.map(([title, about, keys]) => {
    const fields = keys
      .map((key) => form.fields.find((it) => it.name === key))
      .filter((it): it is Field => it !== undefined && drawn(it));
    return { title, about, fields };
  });
  if (rest.length > 0) {
    const only = SECTIONS[form.kind] === undefined;
    if (only) sections[0].fields.push(...rest);
    else sections.push({ title: "More", about: "", fields: rest });
  }
  return (
    <div class="panel">
      {sections
        .filter((it) => it.fields.length > 0)
        .map(({ title, about, fields }) => (
          <Section key={title} title={title} about={about}>
            <div class="fields">
              {fields.map((field) =>
                form.kind === "queue" && field.name === "members" ? (
                  <MembersField key="members" />
                ) : (
                  <AnyField
                    key={field.name}
                    path={[field.name]}
                    field={field}
                    wide={isWide(field)}
                  />
                ),
              )}
            </div>
          </Section>
        ))}
    </div>
  );
}
