"""What the rules of a YAML file share: `macros`, `lists`, `tables`, `schemas`."""

from __future__ import annotations

from cep.lang import tree
from cep.lang.declared import unknown_kind
from cep.lang.pieces import Word
from cep.lang.yaml_nodes import Node, Scalar
from cep.lang.yaml_reader import YamlReader

TABLE_KEYS = ("file", "key")


class YamlDeclarations:
    """Reads one of the four keys; the faults go to the reader of the file."""

    def __init__(self, reader: YamlReader) -> None:
        self.reader = reader

    def read(self, key: Scalar, value: Node) -> list[tree.Declaration]:
        """The declarations under the key, those without faults."""
        read = {"macros": self._macro, "lists": self._list, "tables": self._table, "schemas": self._schema}[key.value]
        made = [read(name, item) for name, item in self.reader.mapping(key.value, value, _WANTED[key.value])]
        return [declaration for declaration in made if declaration is not None]

    def _macro(self, key: Scalar, value: Node) -> tree.Declaration | None:
        head = self.reader.fragment("macro", key.value, key)
        expr = self.reader.fragment("expression", key.value, value)
        if head is None or expr is None:
            return None
        name, parameters = head
        return tree.Macro(self.reader.span(key).to(expr.span), name, parameters, expr)

    def _list(self, key: Scalar, value: Node) -> tree.Declaration:
        name = self.reader.name(key)
        items = []
        for item in self.reader.items(f"lists.{key.value}", value, "a list of values"):
            if isinstance(item, Scalar):
                items.append(tree.Const(self.reader.span(item), self.reader.data(item)))
            else:
                self.reader.wrong_shape(f"lists.{key.value}", item, "one value at each place")
        span = self.reader.span(key).to(self.reader.span(value))
        return tree.ListBlock(span, tree.Name(name.span, name.text), tuple(items))

    def _table(self, key: Scalar, value: Node) -> tree.Declaration | None:
        reader, name = self.reader, self.reader.name(key)
        said: dict[str, Word] = {}
        pairs = reader.mapping(f"tables.{key.value}", value, "a map with `file` and `key`")
        for part, item in pairs:
            if part.value not in TABLE_KEYS:
                reader.unknown_key(part, TABLE_KEYS, "a table")
            elif (word := reader.word(f"tables.{key.value}.{part.value}", item)) is not None:
                said[part.value] = word
        given = {part.value for part, _ in pairs}
        missing = [part for part in TABLE_KEYS if part not in given]
        if pairs and missing and given <= set(TABLE_KEYS):
            help = "write `{file: hosts.csv, key: host}`: the file, and the column that finds a row"
            reader.fault("E0134", f"a table without `{missing[0]}`", reader.span(key), help=help)
        if len(said) < len(TABLE_KEYS):
            return None
        span = reader.span(key).to(reader.span(value))
        return tree.TableBlock(span, tree.Name(name.span, name.text), said["file"].text, said["key"].text)

    def _schema(self, key: Scalar, value: Node) -> tree.Declaration:
        reader = self.reader
        fields, spans = [], []
        for path, item in reader.mapping(f"schemas.{key.value}", value, "a map of fields: `PATH: TYPE`"):
            word = reader.word(f"schemas.{key.value}.{path.value}", item)
            if not all(path.value.split(".")):
                help = "write its names with a dot between them: `process.name`"
                reader.fault("E0133", f"`{path.value}` is not the path of a field", reader.span(path), help=help)
            reader.name(path)
            fault = unknown_kind(word) if word is not None else None
            reader.faults += [fault] if fault else []
            if word is not None:
                fields.append((path.value, word.text))
                spans.append(reader.span(path).to(word.span))
        span = reader.span(key).to(reader.span(value))
        return tree.SchemaBlock(span, tree.Name(reader.span(key), key.value), tuple(fields), tuple(spans))


_WANTED = {
    "macros": "a map of predicates: `NAME(PARAMETER): EXPRESSION`",
    "lists": "a map of lists: `NAME: [VALUE, ...]`",
    "tables": "a map of tables: `NAME: {file: FILE, key: COLUMN}`",
    "schemas": "a map of event types: `TYPE: {FIELD: TYPE}`",
}
