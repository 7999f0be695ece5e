package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The SDK's own transport for stdin and stdout gives up at the first line that is
// no message, and drops what is under way when stdin ends, as it does behind
// "printf … | mcp". Clients that people write get both wrong at first, so that
// this one answers what it cannot read and lets calls end.

const (
	maxLine  = 4 << 20         // bytes of one message, as over HTTP
	lastCall = 5 * time.Second // for calls under way when stdin ends
)

// serve runs a server on a stream of lines until that ends or ctx does.
func serve(ctx context.Context, server *mcp.Server, in io.Reader, out io.Writer) error {
	err := server.Run(ctx, &lines{in: in, out: out, done: ctx.Done()})
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}

// lines is a transport of one message a line. When done is closed it ends, and
// with it what is under way, for which the SDK would wait.
type lines struct {
	in   io.Reader
	out  io.Writer
	done <-chan struct{}
}

// Connect implements mcp.Transport.
func (l *lines) Connect(context.Context) (mcp.Connection, error) {
	c := &lineConn{out: l.out, read: make(chan line), done: l.done, closed: make(chan struct{}), open: map[jsonrpc.ID]*batch{}, idle: make(chan struct{}, 1)}
	// A read of stdin cannot be interrupted: this goroutine ends with stdin, or
	// with the program.
	go c.readAll(bufio.NewReaderSize(l.in, 64<<10))
	return c, nil
}

// A line is what was read: a text, or why there is none.
type line struct {
	text []byte
	err  error
}

var errLong = fmt.Errorf("a message may have at most %d bytes", maxLine)

// lineConn is a connection over lines.
type lineConn struct {
	read   chan line
	queue  []jsonrpc.Message // of a batch, behind the one that was returned; for Read alone
	done   <-chan struct{}
	closed chan struct{}
	close  sync.Once

	mu   sync.Mutex
	out  io.Writer
	open map[jsonrpc.ID]*batch // calls that were read and not answered; nil for one on its own
	idle chan struct{}         // told when the last one is answered
}

// A batch is an array of messages, whose answers are an array, too.
type batch struct {
	left    int
	answers []json.RawMessage
}

// readAll reads lines until there are none.
func (c *lineConn) readAll(in *bufio.Reader) {
	for {
		text, err := readLine(in)
		if len(text) > 0 || err != nil {
			select {
			case c.read <- line{text, err}:
			case <-c.closed:
				return
			}
		}
		if err != nil && !errors.Is(err, errLong) {
			return
		}
	}
}

// readLine returns the next line without blanks around it. One that is too long
// is skipped.
func readLine(in *bufio.Reader) (text []byte, err error) {
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(text)+len(part) > maxLine+1; !long {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long:
			return nil, errLong
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(text)) > 0:
			return bytes.TrimSpace(text), nil // the end comes with the next read
		}
		return bytes.TrimSpace(text), err
	}
}

// Read implements mcp.Connection. Lines that hold no message are answered here.
func (c *lineConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	for {
		if len(c.queue) > 0 {
			message := c.queue[0]
			c.queue = c.queue[1:]
			return message, nil
		}
		var next line
		select {
		case next = <-c.read:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.done:
			return nil, io.EOF
		case <-c.closed:
			return nil, io.EOF
		}
		switch {
		case errors.Is(next.err, errLong):
			if err := c.refuse(jsonrpc.CodeInvalidRequest, errLong.Error()); err != nil {
				return nil, err
			}
		case next.err != nil:
			c.wait(ctx)
			return nil, next.err
		default:
			if err := c.accept(next.text); err != nil {
				return nil, err
			}
		}
	}
}

// accept puts the messages of a line into the queue, or answers that there are
// none. Its error is that nothing can be written.
func (c *lineConn) accept(text []byte) error {
	parts, array := []json.RawMessage{text}, text[0] == '['
	switch {
	case !json.Valid(text):
		return c.refuse(jsonrpc.CodeParseError, "the line is not JSON; send one message a line")
	case array:
		if json.Unmarshal(text, &parts) != nil || len(parts) == 0 {
			return c.refuse(jsonrpc.CodeInvalidRequest, "the batch is empty")
		}
	}
	var group *batch
	if array {
		group = &batch{}
	}
	var messages []jsonrpc.Message
	for _, part := range parts {
		message, err := jsonrpc.DecodeMessage(part)
		if err != nil {
			return c.refuse(jsonrpc.CodeInvalidRequest, "it is no JSON-RPC 2.0 message: "+err.Error())
		}
		messages = append(messages, message)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, message := range messages {
		call, ok := message.(*jsonrpc.Request)
		if !ok || !call.IsCall() {
			continue
		}
		if _, twice := c.open[call.ID]; twice {
			return c.send(refusal(jsonrpc.CodeInvalidRequest, "a call with this id is under way"))
		}
	}
	for _, message := range messages {
		if call, ok := message.(*jsonrpc.Request); ok && call.IsCall() {
			if _, twice := c.open[call.ID]; !twice && group != nil {
				group.left++
			}
			c.open[call.ID] = group
		}
	}
	c.queue = messages
	return nil
}

// refuse answers what could not be read.
func (c *lineConn) refuse(code int64, message string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(refusal(code, message))
}

// refusal is an error for a message whose id is not known.
func refusal(code int64, message string) []byte {
	raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": code, "message": message}})
	if err != nil {
		panic(err) // it is a constant but for the texts
	}
	return raw
}

// wait gives calls that are under way time to be answered.
func (c *lineConn) wait(ctx context.Context) {
	timer := time.NewTimer(lastCall)
	defer timer.Stop()
	for {
		c.mu.Lock()
		left := len(c.open)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-c.idle:
		case <-timer.C:
			return
		case <-c.done:
			return
		case <-c.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Write implements mcp.Connection.
func (c *lineConn) Write(_ context.Context, message jsonrpc.Message) error {
	raw, err := jsonrpc.EncodeMessage(message)
	if err != nil {
		return fmt.Errorf("a message cannot be written: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, ok := message.(*jsonrpc.Response)
	if !ok {
		return c.send(raw)
	}
	group, asked := c.open[answer.ID]
	if asked {
		delete(c.open, answer.ID)
	}
	if len(c.open) == 0 {
		defer func() {
			select {
			case c.idle <- struct{}{}:
			default:
			}
		}()
	}
	if group == nil {
		return c.send(raw)
	}
	if group.answers = append(group.answers, raw); len(group.answers) < group.left {
		return nil
	}
	if raw, err = json.Marshal(group.answers); err != nil {
		return err
	}
	return c.send(raw)
}

// send writes a line, under the lock.
func (c *lineConn) send(raw []byte) error {
	_, err := c.out.Write(append(raw, '\n'))
	return err
}

// Close implements mcp.Connection.
func (c *lineConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return nil
}

// SessionID implements mcp.Connection.
func (c *lineConn) SessionID() string { return "" }
