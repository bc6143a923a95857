// One noun: what it is, changed and saved. Some kinds have pages of their own inside of this frame.

import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import { segment, send } from "../lib/api";
import type { Document } from "../lib/document";
import type { KindInfo } from "../lib/kinds";
import { forgetNames } from "../lib/names";
import { inFile, may, roleFor } from "../lib/session";
import { international, showNumber, slug } from "../lib/phone";
import { go } from "../lib/router";
import { asRefused } from "../lib/use";
import { label } from "../lib/words";
import { type Editor, EditorContext, useEditor } from "../form/editor";
import { useFetchForm } from "../form/forms";
import type { KindForm } from "../form/schema";
import { askText, confirm, done, failed } from "../ui/overlay";
import { Button, Loading, Note, Page, Trouble } from "../ui/parts";
import { InFile } from "./in_file";
import { PhonesState, QueueState, TrunkState } from "./live_state";
import { ReceivingForm } from "./receiving";
import { RouterForm, TagRuleForm } from "./rules";
import { ScheduleForm } from "./schedule";
import { SectionsForm } from "./sections";
import { TrackingForm } from "./tracking";
import { MenuForm } from "./menu";

export interface FormProps {
  editor: Editor;
  form: KindForm;
}

const OWN: Record<string, FunctionComponent<FormProps>> = {
  receiving_number: ReceivingForm,
  tracking_number: TrackingForm,
  schedule: ScheduleForm,
  voice_menu: MenuForm,
  smart_router: RouterForm,
  tag_rule: TagRuleForm,
};

/** What a new one begins as. */
const BEGIN: Record<string, Document> = {
  receiving_number: { country: "US" },
  tracking_number: { country: "US" },
  schedule: {
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC",
    hours: ["mon-fri 09:00-17:00"],
  },
  voice_menu: { prompt: { text: "" }, keys: {} },
  queue: { members: [] },
};

/** Names that nobody wrote are made of what was. */
function prepare(kind: string, doc: Document): Document {
  if (kind !== "receiving_number" && kind !== "tracking_number") return doc;
  const number = typeof doc.number === "string" ? doc.number : "";
  const next = { ...doc };
  const whole = international(number, typeof doc.country === "string" ? doc.country : undefined);
  if (whole) next.number = whole;
  if (kind === "receiving_number" && !next.name)
    next.name = slug(String(doc.description ?? "")) || number.replace(/\s+/g, " ");
  // A country is for numbers as they are dialled there.
  if (whole || !/^[\d(.\s]/.test(number)) delete next.country;
  return next;
}

export function NounEdit({ info, name }: { info: KindInfo; name?: string }) {
  const form = useFetchForm(info.plural);
  const editor = useEditor({
    kind: info.kind,
    plural: info.plural,
    name,
    begin: BEGIN[info.kind],
    prepare: (doc) => prepare(info.kind, doc),
  });
  const [deleting, setDeleting] = useState(false);
  const Form = OWN[info.kind] ?? SectionsForm;
  const shown =
    name === undefined
      ? `New ${info.one}`
      : info.kind === "tracking_number"
        ? showNumber(name)
        : name;
  const back = { to: `/${info.plural}`, label: info.many };

  const save = async () => {
    const stored = await editor.save();
    if (stored === undefined) return;
    done(name === undefined ? `${info.one} ${stored} created` : "Changes saved");
    if (stored !== name)
      void go(`/${info.plural}/${segment(stored)}`, { replace: name !== undefined, force: true });
  };
  const remove = async () => {
    if (
      name === undefined ||
      !(await confirm(
        `Delete ${name}?`,
        "Calls that begin from now on will not find it. Calls that run are not touched.",
        "Delete",
      ))
    )
      return;
    setDeleting(true);
    try {
      await send("DELETE", `/v1/${info.plural}/${segment(name)}`, undefined, editor.revision);
      forgetNames(info.plural);
      done(`${name} deleted`);
      void go(`/${info.plural}`, { force: true });
    } catch (error) {
      failed(asRefused(error), `${name} was not deleted`);
      setDeleting(false);
    }
  };

  if (editor.refusal)
    return (
      <Page title={shown} back={back}>
        <Trouble error={editor.refusal} />
      </Page>
    );
  const rename = async () => {
    if (name === undefined || editor.dirty) return;
    const wanted = await askText(`Rename ${name}`, "New name", {
      help: "Whatever names it goes on doing so: routes, queues, numbers.",
      action: "Rename",
      value: name,
    });
    if (wanted === undefined || wanted === name) return;
    try {
      const path = `/v1/${info.plural}/${segment(name)}`;
      const body = { ...editor.doc, [form?.nameKey ?? "name"]: wanted };
      await send("PUT", path, body, editor.revision);
      forgetNames();
      done(`${name} is ${wanted} now`);
      void go(`/${info.plural}/${segment(wanted)}`, { replace: true, force: true });
    } catch (error) {
      failed(asRefused(error), `${name} was not renamed`);
    }
  };
  // What is not here yet is neither renamed nor deleted: its revision is not known.
  const actions = name !== undefined && !editor.readOnly && !editor.loading && form && (
    <>
      <Button
        icon="edit"
        disabled={editor.dirty}
        title={editor.dirty ? "Save or discard the changes first" : undefined}
        onClick={rename}
      >
        Rename
      </Button>
      <Button icon="trash" kind="danger" busy={deleting} onClick={remove}>
        Delete
      </Button>
    </>
  );
  return (
    <Page
      title={shown}
      back={back}
      actions={actions}
      about={name === undefined ? info.about : undefined}
    >
      <InFile />
      {editor.readOnly && !inFile() && (
        <Note>
          You may look at this, but not change it: that needs the role {roleFor(info.kind)}.
        </Note>
      )}
      {name !== undefined && info.kind === "queue" && <QueueState name={name} />}
      {name !== undefined && info.kind === "trunk" && <TrunkState name={name} />}
      {name !== undefined && info.kind === "account" && <PhonesState name={name} />}
      {!form || editor.loading ? (
        <div class="panel">
          <div class="body">
            <Loading rows={6} />
          </div>
        </div>
      ) : (
        <EditorContext.Provider value={editor}>
          <form
            class="stack loose"
            autocomplete="off"
            noValidate
            onSubmit={(e) => (e.preventDefault(), void save())}
          >
            <Faults editor={editor} />
            <Form editor={editor} form={form} />
            {(!editor.readOnly || (inFile() && may(roleFor(info.kind)))) && (
              <SaveBar editor={editor} fresh={name === undefined} onSave={save} />
            )}
          </form>
        </EditorContext.Provider>
      )}
    </Page>
  );
}

/** What was refused, all of it; each fault is at its field as well. */
function Faults({ editor }: { editor: Editor }) {
  if (editor.errors.length === 0) return null;
  return (
    <Note tone="bad">
      <strong>Not saved.</strong>
      <ul>
        {editor.errors.map((it, at) => (
          <li key={at}>
            {it.pointer && (
              <strong>{it.pointer.slice(1).split("/").map(label).join(", ")}: </strong>
            )}
            {it.detail}
          </li>
        ))}
      </ul>
    </Note>
  );
}

function SaveBar({
  editor,
  fresh,
  onSave,
}: {
  editor: Editor;
  fresh: boolean;
  onSave: () => void;
}) {
  return (
    <div class="save-bar">
      <span class="state" role="status">
        {inFile()
          ? "Changed in the file, not here"
          : editor.dirty
            ? "Unsaved changes"
            : fresh
              ? ""
              : "All changes saved"}
      </span>
      <Button disabled={!editor.dirty || editor.saving} onClick={editor.discard}>
        Discard
      </Button>
      <Button
        kind="primary"
        busy={editor.saving}
        disabled={editor.readOnly || (!editor.dirty && !fresh)}
        onClick={onSave}
      >
        Save Changes
      </Button>
    </div>
  );
}
