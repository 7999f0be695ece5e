package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// followPrompts offers what people most often want from the tools, for clients
// that show prompts as commands.
func (s *served) followPrompts(changed func(function string) (begins, ends bool)) {
	for _, p := range prompts {
		switch begins, ends := changed(p.needs); {
		case begins:
			s.server.AddPrompt(&mcp.Prompt{Name: p.name, Title: p.title, Description: p.description, Arguments: p.arguments}, p.get)
		case ends:
			s.server.RemovePrompts(p.name)
		}
	}
}

// A promptSpec is a prompt for a function that has to be there.
type promptSpec struct {
	needs, name, title, description string
	arguments                       []*mcp.PromptArgument
	shown                           string // what the text is
	text                            func(args map[string]string) string
}

var prompts = []promptSpec{
	{needs: "list_types", name: "explore", title: "What is there?", description: "Shows what data there is and what can be asked about it.", shown: "What data there is",
		text: func(map[string]string) string {
			return "Use list_types, and describe_model for the types that look most useful. Then tell me in a short list which records there are, how they belong together, and five questions that they can answer."
		}},
	{needs: "search", name: "answer", title: "Answer from the records", description: "Answers a question from the records and names them.", shown: "An answer from the records",
		arguments: []*mcp.PromptArgument{{Name: "question", Description: "What you want to know", Required: true}},
		text: func(args map[string]string) string {
			return fmt.Sprintf("Answer this question from the records: %s\n\nSearch first, read the records that matter with get, and use query_model for numbers. Name each record that the answer rests on by its title and as curatore://type/id. If the records do not tell, say so.", strings.TrimSpace(args["question"]))
		}},
}

func (p promptSpec) get(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	return &mcp.GetPromptResult{Description: p.shown,
		Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: p.text(req.Params.Arguments)}}}}, nil
}
