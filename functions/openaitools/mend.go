package openaitools

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// What go-openai can read goes through unchanged. The rest is read loosely and
// written anew, with what an Agent needs of it.

// maxBody bounds a reply, or one event of a stream, in bytes.
const maxBody = 32 << 20

// body is what takes the place of a body.
type body struct {
	io.Reader
	io.Closer
}

// mend puts a reply that go-openai reads into the place of the one that came.
func mend(r *http.Request, response *http.Response) error {
	if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		return nil
	}
	in := bufio.NewReader(response.Body)
	stream := response.StatusCode < http.StatusBadRequest && r.Header.Get("Accept") == "text/event-stream"
	if stream && first(in) != '{' {
		response.Body = body{newEventStream(in), response.Body}
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxBody+1))
	switch {
	case err != nil:
		return err
	case len(raw) > maxBody:
		return fmt.Errorf("the reply has more than %d bytes", maxBody)
	}
	failed, refused := failureIn(raw), response.StatusCode >= http.StatusBadRequest
	switch {
	case failed != nil && !refused:
		response.StatusCode = statusOf(failed)
		response.Status = fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode))
		raw = written(failed)
	case failed != nil && json.Unmarshal(raw, new(openai.ErrorResponse)) != nil:
		raw = written(failed)
	case refused:
	case stream:
		raw = asStream(raw)
	case json.Unmarshal(raw, new(openai.ChatCompletionResponse)) != nil:
		raw = loosely(raw)
	}
	response.Body = body{bytes.NewReader(raw), response.Body}
	return nil
}

// first returns the first byte that is no blank, 0 without one.
func first(in *bufio.Reader) byte {
	for {
		switch next, err := in.Peek(1); {
		case err != nil:
			return 0
		case strings.IndexByte(" \t\r\n", next[0]) < 0:
			return next[0]
		}
		_, _ = in.Discard(1) // it is there
	}
}

// An eventStream reads a stream of events and gives them back one a line. Comments, by
// which some endpoints say that they are alive, and names of events are left out.
type eventStream struct {
	lines *bufio.Scanner
	out   []byte // of an event, not read yet
}

func newEventStream(in io.Reader) *eventStream {
	e := &eventStream{lines: bufio.NewScanner(in)}
	e.lines.Buffer(nil, maxBody)
	return e
}

// Read implements io.Reader.
func (e *eventStream) Read(p []byte) (int, error) {
	for len(e.out) == 0 {
		data, failed, err := e.next()
		if err != nil {
			return 0, err
		}
		e.out = append(append([]byte("data: "), piece(data, failed)...), "\n\n"...)
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

// next returns the data of the next event, and whether its name says that it is a
// failure. An event ends with an empty line, or when its data is complete: not all
// endpoints send empty lines.
func (e *eventStream) next() (data []byte, failed bool, err error) {
	for e.lines.Scan() {
		line := e.lines.Bytes()
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) == 0 && len(data) > 0:
			return data, failed, nil // which go-openai refuses
		case string(name) == "event":
			failed = string(bytes.TrimSpace(value)) == "error"
		case len(line) > 0 && line[0] == '{':
			data = append(data, line...)
		case string(name) == "data":
			data = append(data, bytes.TrimSpace(value)...)
		}
		switch {
		case string(data) == "[DONE]", len(data) > 0 && json.Valid(data):
			return data, failed, nil
		case len(data) > maxBody:
			return nil, false, fmt.Errorf("an event has more than %d bytes", maxBody)
		}
	}
	if err := e.lines.Err(); err != nil {
		return nil, false, err
	}
	return nil, false, io.EOF
}

// piece writes one event of a stream.
func piece(data []byte, failed bool) []byte {
	e := failureIn(data)
	if e == nil && failed {
		e = apiError(data)
	}
	switch {
	case e != nil:
		return written(e)
	case string(data) == "[DONE]", json.Unmarshal(data, new(openai.ChatCompletionStreamResponse)) == nil:
		return data
	}
	return loosely(data)
}

// written is a failure as go-openai reads it.
func written(e *openai.APIError) []byte {
	raw, err := json.Marshal(openai.ErrorResponse{Error: e})
	if err != nil {
		return []byte(`{"error":{"message":"the endpoint failed","type":"server_error"}}`)
	}
	return raw
}

// loosely writes a reply, or a piece of one, in the form that go-openai reads. What
// cannot be read in any way stays as it is, for go-openai to refuse.
func loosely(raw []byte) []byte {
	var reply looseReply
	if json.Unmarshal(raw, &reply) != nil {
		return raw
	}
	mended, err := json.Marshal(reply)
	if err != nil {
		return raw
	}
	return mended
}

// asStream makes a stream of a whole reply.
func asStream(raw []byte) []byte {
	var reply looseReply
	if json.Unmarshal(raw, &reply) != nil {
		return raw
	}
	for i := range reply.Choices {
		c := &reply.Choices[i]
		if c.Message != nil {
			c.Delta, c.Message = c.Message, nil
		}
		if c.FinishReason == "" {
			c.FinishReason = loose(openai.FinishReasonStop)
		}
	}
	mended, err := json.Marshal(reply)
	if err != nil {
		return raw
	}
	return fmt.Appendf(nil, "data: %s\n\ndata: [DONE]\n\n", mended)
}
