package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// capped reads up to a number of bytes; more is an error, not an end.
type capped struct {
	r    io.Reader
	left int64
	most int64
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n + int(c.left), fmt.Errorf("%w: more than %d bytes", ErrTooLarge, c.most)
	}
	return n, err
}

// bounded is the body of an answer, which is refused at once when it says that it is
// too long.
func bounded(resp *http.Response, most int64) (io.Reader, error) {
	if resp.ContentLength > most {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, resp.ContentLength, most)
	}
	return &capped{resp.Body, most, most}, nil
}

func readAll(resp *http.Response, most int64) ([]byte, error) {
	r, err := bounded(resp, most)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// JSON sends a request and decodes the answer into a value; nil drops it. Numbers
// that go into an any are json.Number. An answer that is no JSON is
// [ErrUnreadable], with its beginning.
func (c *Client) JSON(ctx context.Context, r Request, into any) error {
	a, err := c.Do(ctx, r)
	if err != nil || into == nil {
		return err
	}
	return c.Decode(a, into)
}

// Decode decodes the body of an answer; one that is no JSON is [ErrUnreadable].
func (c *Client) Decode(a *Answer, into any) error {
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w as JSON: %s; it begins: %s", c.config.Service, ErrUnreadable, c.text(err.Error()), c.text(shorten(string(a.Body[:min(len(a.Body), 200)]))))
	}
	return nil
}
