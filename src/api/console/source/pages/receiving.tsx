// A receiving number, with the sections of the help page, in its order (PRODUCT.md section 2).

import { useState } from "preact/hooks";
import { COUNTRIES, destinationOf, slug } from "../lib/phone";
import { parseTime } from "../lib/time";
import { AnyField } from "../form/any";
import { about, Box } from "../form/box";
import { useEditing, useField } from "../form/editor";
import { DialPauseField, ExtensionField, Timeline } from "../form/extension";
import { fieldIn, inside } from "../form/forms";
import { PromptField } from "../form/prompt";
import { RouteField } from "../form/route";
import type { Field } from "../form/schema";
import {
  FlagField,
  HiddenField,
  NameField,
  NamePicker,
  TextField,
  TimeField,
} from "../form/widgets";
import { Button, Segmented } from "../ui/parts";
import { CallerId, Enhanced } from "./forwarding";
import type { FormProps } from "./noun";
import { Section } from "./sections";

const ADVANCED = [
  "keys",
  "extension",
  "dial_pause",
  "wait_for_voice",
  "whisper",
  "accept",
  "decline_machines",
  "prevent_recording",
  "enhanced_forwarding",
  "schedule",
  "outside_hours",
  "no_answer",
  "caller_id",
  "agent",
  "lead_owner",
  "tagging_schedule",
  "after_hours_limit",
  "source_tag",
  "ring_delay",
  "weight",
  "max_calls",
  "may_transfer",
];

export function ReceivingForm({ editor, form }: FormProps) {
  const field = (name: string) => fieldIn(form.fields, name);
  const used =
    ADVANCED.some((it) => editor.doc[it] !== undefined) ||
    editor.errors.some((it) => ADVANCED.includes(it.pointer?.split("/")[1] ?? ""));
  const [opened, setOpen] = useState(editor.name !== undefined);
  const open = opened || used;
  return (
    <>
      <div class="panel">
        <Section
          title="Receiving number"
          about={
            "Where the call ends up: a phone number behind a trunk, a SIP address, or the phones of " +
            "a SIP account."
          }
        >
          <NumberField />
          <TextField
            path={["description"]}
            field={field("description")}
            help="What people call it here."
          />
          {editor.name === undefined && <NameOf />}
          <SipCredentials fields={form.fields} />
        </Section>
        {!open && (
          <div class="section">
            <div class="about">
              <h2>Advanced settings</h2>
            </div>
            <div class="content">
              <p class="muted">
                Extension, whisper message, recording, schedule, no-answer routing, caller ID and
                more. Without them the number rings for 45 seconds, and the call is recorded as the
                call settings say.
              </p>
              <div>
                <Button icon="chevron" expanded={false} onClick={() => setOpen(true)}>
                  Advanced settings
                </Button>
              </div>
            </div>
          </div>
        )}
      </div>
      {open && (
        <div class="panel">
          <Advanced fields={form.fields} />
        </div>
      )}
    </>
  );
}

/** The number, as a person writes it: with a country, or an address of another kind. */
function NumberField() {
  const { value, set, wrong, id, readOnly } = useField(["number"]);
  const country = useField(["country"]);
  const number = typeof value === "string" ? value : "";
  const kind = destinationOf(number);
  const begin = { phone: "", sip: "sip:", client: "client:" };
  const phone = kind === "phone";
  const fault = wrong ?? country.wrong;
  return (
    <Box
      id={id}
      label={phone ? "Receiving Number" : kind === "sip" ? "SIP address" : "SIP account"}
      required
      wrong={fault}
      help={
        phone
          ? "As it is dialled in the country, or with + and the country code."
          : kind === "sip"
            ? "Calls go straight to this address."
            : "Rings every phone that registered as this user."
      }
    >
      <div class="stack tight">
        <div>
          <Segmented
            label="What it is"
            value={kind}
            disabled={readOnly}
            onChange={(next) => set(begin[next])}
            options={[
              ["phone", "Phone number"],
              ["sip", "SIP address"],
              ["client", "SIP account"],
            ]}
          />
        </div>
        {kind === "client" ? (
          <NamePicker
            id={id}
            kind="account"
            value={number.slice(7)}
            none="Choose a SIP account"
            disabled={readOnly}
            invalid={fault !== undefined}
            onChange={(user) => set(`client:${user}`)}
          />
        ) : (
          <div class="row" style={{ flexWrap: "nowrap" }}>
            {phone && (
              <select
                class="select"
                style={{ maxWidth: "190px" }}
                aria-label="Country"
                disabled={readOnly}
                value={typeof country.value === "string" ? country.value : ""}
                onChange={(e) => country.set(e.currentTarget.value || undefined)}
              >
                <option value="">With country code</option>
                {COUNTRIES.map((it) => (
                  <option key={it.iso} value={it.iso}>
                    {it.name} (+{it.code})
                  </option>
                ))}
              </select>
            )}
            <input
              id={id}
              class="input grow"
              value={number}
              disabled={readOnly}
              autocomplete="off"
              inputMode={phone ? "tel" : undefined}
              placeholder={
                phone
                  ? country.value === "US"
                    ? "(202) 555-0173"
                    : "+12025550173"
                  : "sip:orders@pbx.example.com"
              }
              {...about(id, fault)}
              onInput={(e) => set(e.currentTarget.value)}
            />
          </div>
        )}
      </div>
    </Box>
  );
}

/** Routes call it by a name; the description gives one until somebody writes another. */
function NameOf() {
  const editor = useEditing();
  const { value, set, wrong, id } = useField(["name"]);
  const made = slug(String(editor.doc.description ?? "")) || String(editor.doc.number ?? "");
  return (
    <Box id={id} label="Name" wrong={wrong} help="What routes and queues call it.">
      <input
        id={id}
        class="input mid"
        value={typeof value === "string" ? value : ""}
        placeholder={made || "made of the description"}
        autocomplete="off"
        {...about(id, wrong)}
        onInput={(e) => set(e.currentTarget.value || undefined)}
      />
    </Box>
  );
}

function SipCredentials({ fields }: { fields: Field[] }) {
  const { doc } = useEditing();
  const kind = destinationOf(String(doc.number ?? ""));
  const field = (name: string) => fieldIn(fields, name);
  if (kind === "phone")
    return (
      <NameField path={["trunk"]} field={field("trunk")} kind="trunk" none="The default trunk" />
    );
  if (kind === "client") return null;
  return (
    <div class="nested" role="group" aria-label="SIP credentials">
      <p class="help">
        What answers a challenge of this address. Leave it empty if it asks for nothing.
      </p>
      <div class="fields">
        <TextField path={["user"]} field={field("user")} label="SIP user" help="" />
        <HiddenField path={["password"]} field={field("password")} label="SIP password" help="" />
        <TextField
          path={["realm"]}
          field={field("realm")}
          label="Realm"
          help="Any, if it is not there."
        />
      </div>
    </div>
  );
}

function Advanced({ fields }: { fields: Field[] }) {
  const { doc } = useEditing();
  const field = (name: string) => fieldIn(fields, name);
  const noAnswer = inside(fields, "no_answer");
  const within = (of: Field[], name: string) => fieldIn(of, name);
  const extension = typeof doc.extension === "string" ? doc.extension : "";
  return (
    <>
      <Section title="Extension" about="For numbers behind a switchboard or a menu.">
        <div class="fields">
          <ExtensionField field={field("extension")} />
          <DialPauseField field={field("dial_pause")} />
          <div class="wide">
            <Timeline
              text={extension}
              dialPause={parseTime(doc.dial_pause ?? 0) ?? 0}
              voice={doc.wait_for_voice === true}
            />
          </div>
          <FlagField path={["wait_for_voice"]} field={field("wait_for_voice")} wide />
          <AnyField path={["keys"]} field={field("keys")} label="How keys are sent" />
        </div>
      </Section>
      <Section
        title="Whisper Message"
        about={
          "Said to the person who answers, before the caller is connected. The caller goes on " +
          "hearing ringing."
        }
      >
        <PromptField
          path={["whisper"]}
          field={field("whisper")}
          label="Whisper Message"
          none
          unset="As the call settings say"
          silent="None"
          help=""
        />
        <AnyField
          path={["accept"]}
          field={field("accept")}
          label="Press a key to take the call"
          wide
        />
        <FlagField
          path={["decline_machines"]}
          field={field("decline_machines")}
          label="Decline answering machines"
        />
      </Section>
      <Section
        title="Prevent Recording"
        about="Beats every other setting, on every path: queues, transfers and forks too."
      >
        <FlagField
          path={["prevent_recording"]}
          field={field("prevent_recording")}
          label="Never record calls answered here"
          help=""
        />
      </Section>
      <Section
        title="Enhanced Forwarding"
        about="Codes that the answering person can dial during the call, and a score after it."
      >
        <Enhanced field={field("enhanced_forwarding")} />
      </Section>
      <Section
        title="Scheduled Routing"
        about="When this number is open, and where calls go while it is not."
      >
        <NameField
          path={["schedule"]}
          field={field("schedule")}
          kind="schedule"
          none="Always open"
          help=""
        />
        {doc.schedule !== undefined && (
          <RouteField
            path={["outside_hours"]}
            field={field("outside_hours")}
            label="Outside these hours"
            help=""
          />
        )}
      </Section>
      <Section
        title="No-Answer Routing"
        about="Where the call goes when this number is busy or nobody answers."
      >
        <TimeField
          path={["no_answer", "timeout"]}
          field={within(noAnswer, "timeout")}
          label="Ring for"
          help="From 1 second to 10 minutes, exact."
        />
        <RouteField
          path={["no_answer", "route"]}
          field={within(noAnswer, "route")}
          label="Then"
          help=""
        />
        <RouteField
          path={["no_answer", "busy_route"]}
          field={within(noAnswer, "busy_route")}
          label="When it is busy"
          none="The same"
          help=""
        />
      </Section>
      <Section title="Forwarding Rules" about="What this number sees of the caller.">
        <CallerId fields={inside(fields, "caller_id")} />
      </Section>
      <Section title="Agent" about="The person who is credited with calls answered here.">
        <div class="fields">
          <NameField path={["agent"]} field={field("agent")} kind="agent" none="Nobody" help="" />
          <NameField
            path={["lead_owner"]}
            field={field("lead_owner")}
            kind="agent"
            none="Nobody"
            help="Recorded when nobody answers."
          />
        </div>
      </Section>
      <Section
        title="Tagging Hours"
        about="Automatic tags are put on calls inside of these hours only."
      >
        <div class="fields">
          <NameField
            path={["tagging_schedule"]}
            field={field("tagging_schedule")}
            kind="schedule"
            none="At all hours"
            label="Tagging Hours"
            help=""
          />
          {doc.tagging_schedule !== undefined && (
            <TimeField
              path={["after_hours_limit"]}
              field={field("after_hours_limit")}
              label="Longest call outside them"
              help="A tone warns 10 seconds before the end."
            />
          )}
        </div>
      </Section>
      <Section
        title="Source Tag"
        about="Free text for users of the API, copied to each call record."
      >
        <TextField path={["source_tag"]} field={field("source_tag")} help="" />
      </Section>
      <Section title="Ringing among others" about="How it takes part where several numbers ring.">
        <div class="fields">
          <AnyField path={["ring_delay"]} field={field("ring_delay")} />
          <AnyField path={["weight"]} field={field("weight")} />
          <AnyField
            path={["max_calls"]}
            field={field("max_calls")}
            label="Calls at once"
            help="No limit if it is empty."
          />
          <AnyField path={["may_transfer"]} field={field("may_transfer")} />
        </div>
      </Section>
    </>
  );
}
