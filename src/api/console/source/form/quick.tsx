// A noun created on the way, in a dialog, without leaving the form that needs it.

import { useFetchForm } from "./forms";
import { KINDS } from "../lib/kinds";
import { Modal } from "../ui/overlay";
import { Button, Loading } from "../ui/parts";
import { WholeForm } from "./any";
import { EditorContext, useEditor } from "./editor";

interface QuickProps {
  kind: string;
  plural: string;
  onClose: () => void;
  onCreated: (name: string) => void;
}

export function QuickCreate({ kind, plural, onClose, onCreated }: QuickProps) {
  const form = useFetchForm(plural);
  const editor = useEditor({ kind, plural });
  const info = KINDS.find((it) => it.kind === kind);
  const save = async () => {
    const name = await editor.save();
    if (name) onCreated(name);
  };
  return (
    <Modal
      title={`New ${info?.one ?? kind}`}
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={editor.saving} onClick={save}>
            Create
          </Button>
        </>
      }
    >
      {info && <p class="muted">{info.about}</p>}
      <EditorContext.Provider value={editor}>
        {form ? <WholeForm form={form} /> : <Loading />}
      </EditorContext.Provider>
    </Modal>
  );
}
