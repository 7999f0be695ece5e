package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/functions"
)

// confirm names the question that a person is asked before something is changed.
const confirm = "confirm"

// call runs a tool. Whatever the model has to read, mistakes in the arguments
// included, is a result; only faults of the protocol are errors.
func (s *served) call(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	request := functions.Request{Name: req.Params.Name, Arguments: req.Params.Arguments}
	if token := req.Params.GetProgressToken(); token != nil {
		request.Progress = func(p functions.Progress) {
			err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: p.Done, Total: p.Total, Message: p.Message})
			if err != nil {
				s.config.Logger.DebugContext(ctx, "progress could not be told", "function", request.Name, "error", err)
			}
		}
	}
	if answer, asked := req.Params.InputResponses[confirm]; asked {
		result, ok := answer.(*mcp.ElicitResult)
		if !ok || result.Action != "accept" || result.Content["confirm"] != true {
			return failure(functions.Errorf(functions.CodeForbidden, "The person at the client did not agree. Nothing was done.")), nil
		}
		request.Confirmation = req.Params.RequestState
	} else if s.config.TokenInMeta {
		request.Confirmation, _ = req.Params.Meta[metaConfirmation].(string)
	}
	result, err := s.do(ctx, request)
	if err != nil {
		var e *functions.Error
		if !errors.As(err, &e) || e.Confirmation == nil {
			return failure(err), nil
		}
		if asks(req) {
			return ask(e.Confirmation), nil
		}
		return s.waits(e), nil
	}
	raw, err := result.JSON()
	if err != nil {
		s.config.Logger.ErrorContext(ctx, "a result could not be encoded", "function", request.Name, "error", err)
		return failure(err), nil
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(raw)}}, StructuredContent: json.RawMessage(raw)}, nil
}

// metaConfirmation is where a token travels when there is no other way.
const metaConfirmation = "curatore/confirmation"

// waits tells a client that cannot ask its person how else they can agree.
func (s *served) waits(e *functions.Error) *mcp.CallToolResult {
	if s.config.Approval != "" {
		told := *e
		told.Hint = fmt.Sprintf("%s To agree, the person can %s.", told.Hint, strings.TrimSuffix(s.config.Approval, "."))
		e = &told
	}
	result := failure(e)
	if s.config.TokenInMeta {
		result.Meta = mcp.Meta{metaConfirmation: e.Confirmation.Token}
	}
	return result
}

// asks reports whether the client can ask its person something.
func asks(req *mcp.CallToolRequest) bool {
	params := req.Session.InitializeParams()
	return params != nil && params.Capabilities != nil && params.Capabilities.Elicitation != nil
}

// ask returns the result that makes the client ask its person, and call again
// with the answer. The token goes through the client; its model never reads it.
func ask(c *functions.Confirmation) *mcp.CallToolResult {
	return &mcp.CallToolResult{
		RequestState: c.Token,
		InputRequests: mcp.InputRequestMap{confirm: &mcp.ElicitParams{
			Mode:            "form",
			Message:         fmt.Sprintf("%s wants to change something, with %s. Do you agree?", c.Function, clip(strings.TrimPrefix(c.String(), c.Function+" "))),
			RequestedSchema: json.RawMessage(`{"type":"object","properties":{"confirm":{"type":"boolean","title":"I agree","default":false}}}`),
		}},
	}
}

// clip shortens arguments for a question; what a person cannot read they cannot
// agree to, so it says how much is left out.
func clip(text string) string {
	const most = 2000
	if runes := []rune(text); len(runes) > most {
		return fmt.Sprintf("%s … (%d characters more)", string(runes[:most]), len(runes)-most)
	}
	return text
}

// failure returns an error as a result that the model reads. Errors of other
// types say nothing.
func failure(err error) *mcp.CallToolResult {
	var e *functions.Error
	if !errors.As(err, &e) {
		e = functions.Errorf(functions.CodeInternal, "The function failed.")
	}
	raw, err := json.Marshal(struct {
		Error *functions.Error `json:"error"`
	}{e})
	if err != nil {
		raw = []byte(`{"error":{"code":"internal","message":"The function failed."}}`)
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: string(raw)}}}
}
