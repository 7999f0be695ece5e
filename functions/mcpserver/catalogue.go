package mcpserver

import (
	"context"
	"fmt"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/functions/dialect"
)

// follow brings the tools, resources and prompts of the server in line with what
// the caller may use now. The SDK tells the sessions when there is a change.
func (s *served) follow() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, f := range s.fns.List() {
		names = append(names, f.Name())
	}
	if slices.Equal(names, s.names) {
		return nil
	}
	tools, err := s.fns.Tools(dialect.MCP)
	if err != nil {
		return fmt.Errorf("mcp server: %w", err)
	}
	for _, tool := range tools {
		if f, ok := s.fns.Function(tool.Name); ok && !slices.Contains(s.names, tool.Name) {
			s.server.AddTool(describe(f, tool), s.call)
		}
	}
	gone := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return slices.Contains(names, name) })
	s.server.RemoveTools(gone...)
	changed := func(name string) (begins, ends bool) {
		was, is := slices.Contains(s.names, name), slices.Contains(names, name)
		return is && !was, was && !is
	}
	s.followResources(changed)
	s.followPrompts(changed)
	s.names = names
	return nil
}

// current has lists follow what the caller may use, and calls bring the server
// up to date behind them: one of a function that was switched off is told so.
func (s *served) current(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		switch method {
		case "tools/list", "resources/list", "resources/templates/list", "prompts/list":
			if err := s.follow(); err != nil {
				return nil, err
			}
		case "tools/call":
			defer func() {
				if err := s.follow(); err != nil {
					s.config.Logger.ErrorContext(ctx, "the catalogue cannot be read", "error", err)
				}
			}()
		}
		return next(ctx, method, req)
	}
}
