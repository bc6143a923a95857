// Receiving numbers inside of routes: shown with what they are, picked, or created as typed.

import { useRef, useState } from "preact/hooks";
import { send } from "../lib/api";
import type { Document } from "../lib/document";
import { forgetNames, useDocuments } from "../lib/names";
import { COUNTRIES, destinationOf, international, showNumber } from "../lib/phone";
import { hrefOf } from "../lib/router";
import { asRefused, useUnique } from "../lib/use";
import { done } from "../ui/overlay";
import { Icon } from "../ui/icon";
import { Button } from "../ui/parts";

const PLURAL = "receiving_numbers";

export function ReceivingLine({ name }: { name: string }) {
  const all = useDocuments(PLURAL);
  const found = all?.find((it) => it._name === name);
  const number = typeof found?.number === "string" ? showNumber(found.number) : "";
  return (
    <span class="receiving-line">
      <Icon name={number.startsWith("client:") ? "account" : "phone"} size={14} />
      <a href={hrefOf(`/${PLURAL}/${encodeURIComponent(name)}`)} class="first">
        {name}
      </a>
      {number && number !== name && found?.number !== name && (
        <span class="muted num">{number}</span>
      )}
      {typeof found?.description === "string" && found.description !== "" && (
        <span class="muted clip hide-narrow">{found.description}</span>
      )}
      {all && !found && <span class="badge bad">not there</span>}
    </span>
  );
}

const looksNew = (text: string) => /^(\+?[\d\s().-]{3,}|sips?:.+|client:.+)$/i.test(text.trim());

interface AddProps {
  except: string[];
  onAdd: (name: string) => void;
}

/** "+ Add Receiving Number": one of those there are, or a new one as it is typed. */
export function AddReceiving({ except, onAdd }: AddProps) {
  const all = useDocuments(PLURAL) ?? [];
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [country, setCountry] = useState("US");
  const [at, setAt] = useState(0);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useUnique("add");
  if (!open) {
    return (
      <div>
        <Button
          icon="plus"
          small
          onClick={() => (setOpen(true), setTimeout(() => input.current?.focus(), 0))}
        >
          Add Receiving Number
        </Button>
      </div>
    );
  }
  const typed = text.trim();
  const fits = (it: Document) =>
    [it._name, it.number, it.description].join(" ").toLowerCase().includes(typed.toLowerCase());
  const matches = all.filter((it) => !except.includes(String(it._name)) && fits(it)).slice(0, 7);
  const exact = all.some((it) => it._name === typed || it.number === typed);
  const creatable = looksNew(typed) && !exact;
  const options = matches.length + (creatable ? 1 : 0);
  const close = () => {
    setOpen(false);
    setText("");
    setWrong("");
  };
  const add = (name: string) => {
    onAdd(name);
    close();
  };
  const create = async () => {
    setBusy(true);
    setWrong("");
    const phone = destinationOf(typed) === "phone";
    const number = (phone && international(typed, country)) || typed;
    const doc: Document = { name: number.replace(/\s+/g, " "), number };
    if (phone && !number.startsWith("+")) doc.country = country;
    try {
      const made = await send<Document | undefined>("POST", `/v1/${PLURAL}`, doc);
      forgetNames(PLURAL);
      done(`Receiving number ${number} created`);
      add(String(made?._name ?? doc.name));
    } catch (error) {
      const { problem } = asRefused(error);
      setWrong(problem.errors?.[0]?.detail ?? problem.detail ?? problem.title);
    } finally {
      setBusy(false);
    }
  };
  const choose = (index: number) => {
    const match = matches[index];
    if (match) add(String(match._name));
    else if (creatable) void create();
  };
  return (
    <div
      class="add-receiving"
      onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), close())}
    >
      <div class="row">
        <select
          class="select country"
          aria-label="Country of the number"
          value={country}
          onChange={(e) => setCountry(e.currentTarget.value)}
        >
          {COUNTRIES.map((it) => (
            <option key={it.iso} value={it.iso}>
              {it.iso} +{it.code}
            </option>
          ))}
        </select>
        <input
          ref={input}
          id={id}
          class="input grow"
          role="combobox"
          aria-label="Receiving number"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={options > 0 ? `${id}-${at}` : undefined}
          aria-invalid={wrong ? "true" : undefined}
          autocomplete="off"
          placeholder="Name, phone number, sip:... or client:..."
          value={text}
          disabled={busy}
          onInput={(e) => (setText(e.currentTarget.value), setAt(0), setWrong(""))}
          onKeyDown={(e) => {
            if (e.key === "ArrowDown") (e.preventDefault(), setAt(Math.min(at + 1, options - 1)));
            if (e.key === "ArrowUp") (e.preventDefault(), setAt(Math.max(at - 1, 0)));
            if (e.key === "Enter") (e.preventDefault(), choose(at));
          }}
        />
        <Button kind="plain" small icon="close" label="Cancel" onClick={close} />
      </div>
      {wrong && (
        <div class="wrong" role="alert">
          <Icon name="warning" size={13} />
          {wrong}
        </div>
      )}
      <ul class="options" role="listbox" id={`${id}-list`} aria-label="Receiving numbers">
        {matches.map((it, index) => (
          <li
            key={String(it._name)}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseDown={(e) => (e.preventDefault(), choose(index))}
          >
            <span class="first">{String(it._name)}</span>
            <span class="muted num">{showNumber(String(it.number ?? ""))}</span>
            <span class="muted clip">{String(it.description ?? "")}</span>
          </li>
        ))}
        {creatable && (
          <li
            id={`${id}-${matches.length}`}
            role="option"
            aria-selected={at === matches.length}
            onMouseDown={(e) => (e.preventDefault(), void create())}
          >
            <Icon name="plus" size={13} />{" "}
            <span>
              Create receiving number <strong>{typed}</strong>
            </span>
          </li>
        )}
        {options === 0 && (
          <li class="muted" aria-disabled="true">
            {typed
              ? "Nothing fits. Type a phone number, sip:user@host or client:user to create one."
              : "There are none yet: type a number to create one."}
          </li>
        )}
      </ul>
    </div>
  );
}
