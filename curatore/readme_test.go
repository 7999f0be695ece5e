package curatore_test

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/examples/quickstart/sample"
)

// A block is fenced text of the README.
type block struct {
	language, text string
	line           int
}

func readme(t *testing.T) (text string, blocks []block) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		switch fence, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open == nil:
			open = &block{language: strings.TrimSpace(fence), line: n}
		case isFence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("README.md line %d: the block has no end", open.line)
	}
	return string(data), blocks
}

// The first block is a complete program. In a folder with the sample export it
// prints the second one.
func TestReadmeProgram(t *testing.T) {
	_, blocks := readme(t)
	if len(blocks) < 2 || blocks[0].language != "go" || !strings.HasPrefix(blocks[0].text, "package main\n") || blocks[1].language != "" {
		t.Fatal("README.md does not begin with a program and its output")
	}
	program := goBuild(t, blocks[0].text)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = t.TempDir()
	entries, err := sample.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := sample.Files.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(cmd.Dir, e.Name()), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if d := cmp.Diff(blocks[1].text, string(out)); d != "" {
		t.Errorf("the output in README.md differs: %s", d)
	}
}

// scaffolds complete the fragments, by words that stand in them.
var scaffolds = []struct{ holds, before, after string }{
	{"type Ticket struct", `type Settings struct{ URL string }

func open(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	return connectors.Streams{connectors.Rows(tickets, func(ctx context.Context) iter.Seq2[*Ticket, error] { return nil })}, nil
}
`, ""},
	{"samgov.New", "func connections() []*connectors.Connection {\n", "return connections\n}\n"},
	{"openaiembed.New", "func embed(ctx context.Context) {\n", "_, _ = config, err\n}\n"},
	{"functions.Define", "func measure(context.Context, string) (float64, error) { return 0, nil }\n\nfunc own() {\n", "_ = config\n}\n"},
	{"openaitools.Tools", "func use(ctx context.Context, org *curatore.Organization, toolCall openai.ToolCall) {\n", "_, _, _ = tools, message, err\n}\n"},
}

// All other Go in the README compiles too, with what it leaves out put around it.
func TestReadmeFragments(t *testing.T) {
	_, blocks := readme(t)
	n := 0
	for _, b := range blocks[1:] {
		if b.language != "go" {
			continue
		}
		n++
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			for _, s := range scaffolds {
				if strings.Contains(b.text, s.holds) {
					body := s.before + b.text + s.after
					goBuild(t, "package readme\n\n"+imports(t, body)+body)
					return
				}
			}
			t.Errorf("README.md line %d: no scaffold fits this fragment; add one to this test", b.line)
		})
	}
	if n != len(scaffolds) {
		t.Errorf("README.md has %d fragments for %d scaffolds", n, len(scaffolds))
	}
}

// A diff takes lines away that the program has, and what it puts in their place
// compiles.
func TestReadmeDiff(t *testing.T) {
	_, blocks := readme(t)
	program := blocks[0].text
	for _, b := range blocks {
		if b.language != "diff" {
			continue
		}
		removed, added := "", ""
		for line := range strings.Lines(b.text) {
			if text, ok := strings.CutPrefix(line, "-"); ok {
				removed += text
			} else if text, ok := strings.CutPrefix(line, "+"); ok {
				added += text
			}
		}
		if strings.Count(program, removed) != 1 {
			t.Errorf("README.md line %d: the program does not have the lines that this takes away", b.line)
		}
		program = strings.Replace(program, removed, added, 1)
	}
	if program == blocks[0].text {
		t.Fatal("README.md shows no change to the program")
	}
	goBuild(t, strings.Replace(program, "package main", "package readme", 1))
}

// goBuild builds a package that stands in no file of the module, but sees all of
// it, and returns the path of the binary if it is a program.
func goBuild(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	file, overlay, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "program")
	there, err := filepath.Abs(filepath.Join("..", "examples", "readme", "main.go")) // no such file; go build is told that there is
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {there: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{file: []byte(source), overlay: replace} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"build", "-overlay", overlay}
	if strings.HasPrefix(source, "package main\n") {
		args = append(args, "-o", binary)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "../examples/readme")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s\n%s", err, out, source)
	}
	return binary
}

var selector = regexp.MustCompile(`\b([a-z]\w*)\.[A-Z]`)

// imports returns the import declaration for the packages that a text uses.
func imports(t *testing.T, text string) string {
	t.Helper()
	const module = "github.com/curatore/curatore-go/"
	paths := map[string]string{"openai": "github.com/sashabaranov/go-openai"}
	for _, p := range []string{"context", "iter", "time", module + "connectors", module + "connectors/salesforce", module + "connectors/samgov", module + "connectors/sharepoint", module + "connectors/upload", module + "connectors/web", module + "content/extract/local", module + "content", module + "curatore", module + "functions", module + "functions/openaitools", module + "search/openaiembed"} {
		paths[p[strings.LastIndex(p, "/")+1:]] = p
	}
	used := map[string]bool{}
	for _, m := range selector.FindAllStringSubmatch(text, -1) {
		if p := paths[m[1]]; p != "" {
			used[p] = true
		}
	}
	list := "import (\n"
	for _, p := range slices.Sorted(maps.Keys(used)) {
		name := ""
		if p == paths["openai"] {
			name = "openai "
		}
		list += fmt.Sprintf("\t%s%q\n", name, p)
	}
	list += ")\n\n"
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package main\n\n"+list, 0); err != nil {
		t.Fatal(err)
	}
	return list
}

// What the README links to is there.
func TestReadmeLinks(t *testing.T) {
	text, blocks := readme(t)
	for _, b := range blocks {
		text = strings.Replace(text, b.text, "", 1)
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(m[1]))); err != nil {
			t.Error(err)
		}
	}
}

// A program that imports curatore links as many modules as the README says.
func TestReadmeCountsModules(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}",
		"../curatore", "../connectors/salesforce").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	text, _ := readme(t)
	if want := fmt.Sprintf("The core links %d modules.", len(modules)); !strings.Contains(text, want) {
		t.Errorf("README.md does not say %q: %v", want, modules)
	}
}

// Every package that users import is in the README's table, and nothing else.
func TestReadmePackages(t *testing.T) {
	text, _ := readme(t)
	_, table, _ := strings.Cut(text, "| Package | For |")
	var named []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				named = append(named, m[1])
			}
		}
	}
	for _, p := range named {
		if files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(p), "*.go")); err != nil || len(files) == 0 {
			t.Errorf("README.md names the package %s, which is not there", p)
		}
	}
	for _, p := range []string{"curatore", "curatore/jobs", "connectors", "connectors/salesforce", "content", "content/store", "search", "functions", "functions/openaitools"} {
		if !slices.Contains(named, p) {
			t.Errorf("README.md does not name the package %s", p)
		}
	}
}
