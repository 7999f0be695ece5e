package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/curatore/curatore-go/content/extract"
)

// readJSON writes values as a list: "- name: value", what is inside further in.
// A file may hold several values one behind the other, as JSON Lines do.
func readJSON(ctx context.Context, r *reading) error {
	b, err := r.all()
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(decode(b, r.ContentType)))
	d.UseNumber()
	w := &jsonWriter{ctx: ctx, d: d, limits: r.limits}
	for {
		err := w.value(0, "")
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, errFull) {
			r.note("the text is longer than %d bytes and was cut", r.limits.TextBytes)
			break
		}
		if err != nil {
			return fmt.Errorf("%w (behind byte %d of the text)", err, d.InputOffset())
		}
	}
	r.add(extract.Body, 0, "", w.b.String())
	return nil
}

var errFull = errors.New("enough text")

type jsonWriter struct {
	ctx    context.Context
	d      *json.Decoder
	b      strings.Builder
	limits extract.Limits
	tokens int
}

func (w *jsonWriter) token() (json.Token, error) {
	if w.tokens++; w.tokens%1024 == 0 && w.ctx.Err() != nil {
		return nil, context.Cause(w.ctx)
	}
	return w.d.Token()
}

// value writes the next value under a name. The name of an element of a list is
// empty.
func (w *jsonWriter) value(depth int, name string) error {
	if depth > w.limits.Depth {
		return fmt.Errorf("%w: its values are more than %d deep", extract.ErrTooLarge, w.limits.Depth)
	}
	if int64(w.b.Len()) > w.limits.TextBytes {
		return errFull
	}
	token, err := w.token()
	if err != nil {
		return jsonError(err, depth)
	}
	delim, inside := token.(json.Delim)
	if !inside {
		if token != nil && token != "" {
			w.line(depth, name, fmt.Sprint(token))
		}
		return nil
	}
	if depth > 0 {
		w.line(depth, name, "")
	}
	for w.d.More() {
		key := ""
		if delim == '{' {
			token, err := w.token()
			if err != nil {
				return jsonError(err, 1)
			}
			key, _ = token.(string)
		}
		if err := w.value(depth+1, key); err != nil {
			return err
		}
	}
	_, err = w.token()
	return jsonError(err, 1)
}

func (w *jsonWriter) line(depth int, name, value string) {
	w.b.WriteString(strings.Repeat("  ", min(max(depth-1, 0), 20)) + "- ")
	if name != "" {
		w.b.WriteString(name + ": ")
	}
	w.b.WriteString(strings.ReplaceAll(value, "\n", " ") + "\n")
}

// jsonError names a file that ends too early.
func jsonError(err error, depth int) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF) && depth == 0:
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the JSON ends too early", extract.ErrBroken)
	}
	return err
}
