// A fresh edge: what is still to be done until its first call, with the way to each step.

import { useDocuments } from "../lib/names";
import { hrefOf } from "../lib/router";
import { mayChange } from "../lib/session";
import { Icon } from "../ui/icon";
import { Panel } from "../ui/parts";

interface Step {
  kind: string;
  plural: string;
  title: string;
  about: string;
  /** Calls come and go without it, too. */
  optional?: boolean;
}

const STEPS: Step[] = [
  {
    kind: "trunk",
    plural: "trunks",
    title: "Add a trunk",
    about: "The carrier that brings your calls: where they come from, and where yours go.",
  },
  {
    kind: "account",
    plural: "accounts",
    title: "Add a SIP account",
    about: "User and password for a softphone or desk phone that registers here.",
    optional: true,
  },
  {
    kind: "receiving_number",
    plural: "receiving_numbers",
    title: "Add a receiving number",
    about: "Who answers: that phone, or any number; with an extension and a whisper if you like.",
  },
  {
    kind: "tracking_number",
    plural: "tracking_numbers",
    title: "Add a tracking number",
    about: "The number that callers dial. It dials your receiving numbers.",
  },
];

export function FirstSteps({ calls }: { calls: number }) {
  const lists = STEPS.map((it) => useDocuments(it.plural));
  if (lists.some((it) => it === undefined)) return null;
  const done = lists.map((it) => (it?.length ?? 0) > 0);
  if (calls > 0 && STEPS.every((it, at) => it.optional || done[at])) return null;
  const next = STEPS.findIndex((it, at) => !done[at] && !it.optional);
  return (
    <Panel title="First steps" flush>
      <ol class="steps">
        {STEPS.map((it, at) => (
          <li key={it.kind} class={done[at] ? "done" : at === next ? "next" : ""}>
            <span class="mark" aria-hidden="true">
              {done[at] ? <Icon name="check" size={13} /> : at + 1}
            </span>
            <span class="grow">
              <span class="label">{it.title}</span>
              {it.optional && <span class="muted small"> optional</span>}
              {done[at] && <span class="sr">done</span>}
              <div class="muted small">{it.about}</div>
            </span>
            {!done[at] && mayChange(it.kind) && (
              <a
                class={`button small${at === next ? " primary" : ""}`}
                href={hrefOf(`/new/${it.plural}`)}
              >
                Add<span class="sr"> {it.title.slice(4)}</span>
              </a>
            )}
          </li>
        ))}
        <li class={next < 0 && calls === 0 ? "next" : calls > 0 ? "done" : ""}>
          <span class="mark" aria-hidden="true">
            {calls > 0 ? <Icon name="check" size={13} /> : STEPS.length + 1}
          </span>
          <span class="grow">
            <span class="label">Call it</span>
            <div class="muted small">
              The call appears on Live Calls as it comes, and with its recording in the Call Log.
              Explain says beforehand what would happen.
            </div>
          </span>
          <a class="button small" href={hrefOf("/explain")}>
            Explain
          </a>
        </li>
      </ol>
    </Panel>
  );
}
