package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// A line is one of corpus.jsonl or queries.jsonl.
type line struct {
	ID    id    `json:"_id"`
	Title words `json:"title"` // may be missing
	Text  words `json:"text"`
}

// An id is text or a number, as the key of a record.
type id string

// UnmarshalJSON implements [json.Unmarshaler].
func (i *id) UnmarshalJSON(data []byte) error {
	var text string
	var number json.Number
	if err := json.Unmarshal(data, &text); err != nil {
		if err := json.Unmarshal(data, &number); err != nil {
			return fmt.Errorf("an _id is text or a number, not %.40s", data)
		}
		text = number.String()
	}
	*i = id(key(text))
	return nil
}

// key returns an id as the key of a record: without what no database keeps in a
// text, and no longer than a key may be.
func key(id string) string {
	const most = 180
	id = strings.TrimSpace(strings.ReplaceAll(id, "\x00", " "))
	if len(id) <= most {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return strings.ToValidUTF8(id[:most], "") + "#" + hex.EncodeToString(sum[:16])
}

// Words are a text, nothing, a number, or several of them.
type words string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *words) UnmarshalJSON(data []byte) error {
	var v any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	list, several := v.([]any)
	if !several {
		list = []any{v}
	}
	var texts []string
	for _, v := range list {
		switch v := v.(type) {
		case nil:
		case string:
			texts = append(texts, v)
		case json.Number, bool:
			texts = append(texts, fmt.Sprint(v))
		default:
			return fmt.Errorf("a title or text is a text, not %.40s", data)
		}
	}
	*w = words(strings.ReplaceAll(strings.Join(texts, "\n"), "\x00", " "))
	return nil
}

// readLines yields the lines of a JSON Lines file, of any length. What no
// database keeps in a text is dropped.
func readLines(path string) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(line{}, err)
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, 1<<20)
		for n := 1; ; n++ {
			data, end := in.ReadBytes('\n')
			if end != nil && !errors.Is(end, io.EOF) {
				yield(line{}, fmt.Errorf("%s line %d: %w", path, n, end))
				return
			}
			if text := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")); text != "" {
				var l line
				err := json.Unmarshal([]byte(text), &l)
				if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
					err = fmt.Errorf("it is %s; a line is an object with _id, title and text", wrong.Value)
				}
				if err == nil && l.ID == "" {
					err = errors.New("it has no _id")
				}
				if err != nil {
					yield(line{}, fmt.Errorf("%s line %d: %w", path, n, err))
					return
				}
				if !yield(l, nil) {
					return
				}
			}
			if end != nil {
				return
			}
		}
	}
}
