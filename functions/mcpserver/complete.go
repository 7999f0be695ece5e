package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/functions"
)

// maxCompletions is what the protocol takes.
const maxCompletions = 100

// complete offers the types of records for the address of one. All other arguments
// are free text, for which there is nothing to offer.
func (s *served) complete(ctx context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
	ref, argument := req.Params.Ref, req.Params.Argument
	result := &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{}}}
	switch {
	case ref.Type == "ref/prompt" && slices.ContainsFunc(prompts, func(p promptSpec) bool { return p.name == ref.Name }):
		return result, nil
	case ref.Type != "ref/resource" || ref.URI != itemTemplate:
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("there is no %.40q %.80q to complete arguments of", ref.Type, ref.Name+ref.URI)}
	case argument.Name != "type":
		return result, nil
	}
	names, err := s.typeNames(ctx)
	if err != nil {
		return nil, err
	}
	begin := strings.ToLower(argument.Value)
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, begin) })
	result.Completion = mcp.CompletionResultDetails{Values: names[:min(len(names), maxCompletions)], Total: len(names), HasMore: len(names) > maxCompletions}
	return result, nil
}

// typeNames are those that list_types tells the caller of.
func (s *served) typeNames(ctx context.Context) ([]string, error) {
	result, err := s.do(ctx, functions.Request{Name: "list_types"})
	var failed *functions.Error
	switch {
	case errors.As(err, &failed) && failed.Code == functions.CodeUnknownFunction:
		return []string{}, nil
	case err != nil:
		return nil, told(err)
	}
	var list struct {
		Types []struct {
			Type string `json:"type"`
		} `json:"types"`
	}
	if err := json.Unmarshal(result.Data, &list); err != nil {
		return nil, errors.New("the types cannot be read")
	}
	names := make([]string, 0, len(list.Types))
	for _, t := range list.Types {
		names = append(names, t.Type)
	}
	return names, nil
}
