// A fresh edge: what is still to be done until its first call, with the way to each step.

import type { ComponentChildren } from "preact";
import { useDocuments } from "../lib/names";
import { showNumber } from "../lib/phone";
import { hrefOf } from "../lib/router";
import { mayChange } from "../lib/session";
import { useFetch } from "../lib/use";
import { Icon } from "../ui/icon";
import { Panel } from "../ui/parts";
import { useStatus } from "../lib/status";
import { registersAt } from "./live_state";

interface Step {
  title: string;
  about: ComponentChildren;
  done: boolean;
  /** Calls come and go without it, too. */
  optional?: boolean;
  action?: { to: string; label: string; more?: string };
}

export function FirstSteps() {
  const trunks = useDocuments("trunks");
  const accounts = useDocuments("accounts");
  const receiving = useDocuments("receiving_numbers");
  const tracking = useDocuments("tracking_numbers");
  const status = useStatus();
  const ever = useFetch<{ items: unknown[] }>("/v1/records?limit=1", 5000);
  if (!trunks || !accounts || !receiving || !tracking || !status || !ever.data) return null;
  const add = (plural: string, kind: string, what: string) =>
    mayChange(kind) ? { to: `/new/${plural}`, label: "Add", more: what } : undefined;
  const at = registersAt(status.registrations.at)[0]?.address;
  const number = tracking[0]?._name;
  const steps: Step[] = [
    {
      title: "Add a trunk",
      about: "The carrier that brings your calls: where they come from, and where yours go.",
      done: trunks.length > 0,
      action: add("trunks", "trunk", "a trunk"),
    },
    {
      title: "Add a SIP account",
      about: "User and password for a softphone or desk phone that registers here.",
      done: accounts.length > 0,
      optional: true,
      action: add("accounts", "account", "a SIP account"),
    },
    {
      title: "Register a phone",
      about: at ? (
        <>
          In a softphone: server <code>{at}</code>, user and password of the SIP account.
        </>
      ) : (
        "User and password of the SIP account, typed into a softphone."
      ),
      done: status.registrations.total > 0,
      optional: true,
      action: { to: "/accounts", label: "SIP Accounts" },
    },
    {
      title: "Add a receiving number",
      about: "Who answers: that phone, or any number; with an extension and a whisper if you like.",
      done: receiving.length > 0,
      action: add("receiving_numbers", "receiving_number", "a receiving number"),
    },
    {
      title: "Add a tracking number",
      about: "The number that callers dial. It dials your receiving numbers.",
      done: tracking.length > 0,
      action: add("tracking_numbers", "tracking_number", "a tracking number"),
    },
    {
      title: "Call it",
      about: (
        <>
          {number ? (
            <>
              From outside, or from a phone that is registered here: dial{" "}
              <span class="num nowrap">{showNumber(String(number))}</span>.{" "}
            </>
          ) : null}
          The call appears on Live Calls as it comes, and with its recording in the Call Log.
        </>
      ),
      done: ever.data.items.length > 0,
      action: { to: "/explain", label: "Explain", more: "what would happen" },
    },
  ];
  if (steps.every((it) => it.optional || it.done)) return null;
  const next = steps.findIndex((it) => !it.done && !it.optional);
  return (
    <Panel title="First steps" flush>
      <ol class="steps">
        {steps.map((it, at) => (
          <Line key={it.title} step={it} number={at + 1} next={at === next} />
        ))}
      </ol>
    </Panel>
  );
}

function Line({ step, number, next }: { step: Step; number: number; next: boolean }) {
  const { title, about, done, optional, action } = step;
  return (
    <li class={done ? "done" : next ? "next" : ""}>
      <span class="mark" aria-hidden="true">
        {done ? <Icon name="check" size={13} /> : number}
      </span>
      <span class="grow">
        <span class="label">{title}</span>
        {optional && <span class="muted small"> optional</span>}
        {done && <span class="sr">done</span>}
        <div class="muted small">{about}</div>
      </span>
      {!done && action && (
        <a class={`button small${next ? " primary" : ""}`} href={hrefOf(action.to)}>
          {action.label}
          {action.more && <span class="sr"> {action.more}</span>}
        </a>
      )}
    </li>
  );
}
