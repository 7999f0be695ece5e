package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// addPrompts offers what people most often want from the tools, for clients that
// show prompts as commands.
func (s *served) addPrompts(server *mcp.Server) {
	if _, ok := s.fns.Function("list_types"); ok {
		server.AddPrompt(&mcp.Prompt{Name: "explore", Title: "What is there?", Description: "Shows what data there is and what can be asked about it."},
			prompt("What data is there", func(map[string]string) string {
				return "Use list_types, and describe_model for the types that look most useful. Then tell me in a short list which records there are, how they belong together, and five questions that they can answer."
			}))
	}
	if _, ok := s.fns.Function("search"); ok {
		server.AddPrompt(&mcp.Prompt{Name: "answer", Title: "Answer from the records", Description: "Answers a question from the records and names them.",
			Arguments: []*mcp.PromptArgument{{Name: "question", Description: "What you want to know", Required: true}}},
			prompt("An answer from the records", func(args map[string]string) string {
				return fmt.Sprintf("Answer this question from the records: %s\n\nSearch first, read the records that matter with get, and use query_model for numbers. Name each record that the answer rests on by its title and as curatore://type/id. If the records do not tell, say so.", strings.TrimSpace(args["question"]))
			}))
	}
}

func prompt(description string, text func(args map[string]string) string) mcp.PromptHandler {
	return func(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Description: description,
			Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: text(req.Params.Arguments)}}}}, nil
	}
}
