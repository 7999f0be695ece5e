package curatore_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/curatore/curatore-go"

// A family is packages that may import each other; all others they import must be
// on a lower level.
type family struct {
	level    int
	packages []string // paths in the module; with "/..." at the end all below too
}

// floors are the floors of DESIGN.md. Their numbers are the tens; the second
// floor has an order inside.
var floors = []family{
	{60, []string{"examples/quickstart/..."}}, {60, []string{"examples/connection/..."}}, {60, []string{"examples/evaluate/..."}}, {60, []string{"examples/verifyindex/..."}}, {60, []string{"examples/worker/..."}},
	{60, []string{"examples/agent/..."}}, {60, []string{"examples/forecasts/..."}}, {60, []string{"examples/mcp/..."}},

	{40, []string{"curatore"}},

	{30, []string{"connectors/salesforce/..."}}, {30, []string{"connectors/samgov/..."}}, {30, []string{"connectors/sharepoint/..."}},
	{30, []string{"connectors/web/..."}}, {30, []string{"connectors/upload/..."}},
	{30, []string{"search/openaiembed"}}, {30, []string{"search/httprerank"}}, {30, []string{"functions/openaitools"}}, {30, []string{"functions/mcpserver"}},
	{30, []string{"curatore/jobs/riverrunner"}}, {30, []string{"content/blob/s3blob"}},

	{25, []string{"connectors/guard"}}, {24, []string{"connectors", "connectors/rest"}},
	{23, []string{"functions", "functions/dialect"}},
	{22, []string{"search", "search/inverted", "search/vectors", "search/pgvec", "search/flatvec"}},
	{21, []string{"content/asset", "content/extract/..."}},

	{10, []string{"curatore/jobs", "curatore/jobs/localrunner"}}, {10, []string{"curatore/keys"}}, {10, []string{"content/store"}},
	{10, []string{"content/blob", "content/blob/dirblob"}}, {10, []string{"migrations"}},

	{1, []string{"content/database"}},
	{0, []string{"content"}},
}

// optional packages bring libraries of their own, which only those link who
// import them.
var optional = []string{"connectors/guard", "connectors/samgov", "connectors/upload", "connectors/web", "content/extract/local", "content/extract/sidecar", "content/blob/s3blob", "curatore/jobs/riverrunner", "functions/mcpserver", "functions/openaitools", "search/openaiembed"}

// A listed package is one of the module, its path without the module's.
type listed struct {
	ImportPath string
	Name       string
	Imports    []string
}

func (p listed) main() bool { return p.Name == "main" }

// testSupport packages (databasetest, storetest) are for tests and programs.
func testSupport(p string) bool { return strings.HasSuffix(path.Base(p), "test") }

// familyOf finds a package's place, -1 when it has none.
func familyOf(p string) int {
	p, _, _ = strings.Cut(p, "/internal") // belongs to the package around it
	return slices.IndexFunc(floors, func(f family) bool {
		return slices.ContainsFunc(f.packages, func(pattern string) bool {
			root, below := strings.CutSuffix(pattern, "/...")
			return p == root || below && strings.HasPrefix(p, root+"/")
		})
	})
}

// wrongImport tells what is wrong with an import inside the module, or "".
func wrongImport(from listed, to string) string {
	switch {
	case testSupport(to) && !testSupport(from.ImportPath) && !from.main():
		return "is for tests and programs only"
	case testSupport(from.ImportPath) || testSupport(to):
		return ""
	}
	a, b := familyOf(from.ImportPath), familyOf(to)
	switch {
	case a < 0:
		return fmt.Sprintf("cannot be judged: %s has no floor; give it one in DESIGN.md and here", from.ImportPath)
	case b < 0:
		return "has no floor; give it one in DESIGN.md and here"
	case a == b, floors[b].level < floors[a].level:
		return ""
	case floors[b].level == floors[a].level:
		return "stands beside it"
	}
	return "stands above it"
}

func goList(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return out
}

// packages lists the module, paths and imports cut to those inside it.
func packages(t *testing.T) (all []listed) {
	t.Helper()
	inside := func(p string) string { return strings.TrimPrefix(strings.TrimPrefix(p, module), "/") }
	dec := json.NewDecoder(bytes.NewReader(goList(t, "-json=ImportPath,Name,Imports", "./...")))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = inside(p.ImportPath)
		p.Imports = slices.DeleteFunc(p.Imports, func(i string) bool { return !strings.HasPrefix(i, module+"/") })
		for i := range p.Imports {
			p.Imports[i] = inside(p.Imports[i])
		}
		all = append(all, p)
	}
}

func TestImportsRunDown(t *testing.T) {
	folders := []string{"curatore", "connectors", "content", "functions", "search", "migrations", "examples"}
	for _, p := range packages(t) {
		parts := strings.Split(p.ImportPath, "/")
		if !slices.Contains(folders, parts[0]) {
			t.Errorf("%s: the folders at the top are %v", p.ImportPath, folders)
		}
		for _, vague := range []string{"util", "utils", "common", "helpers", "misc", "models"} {
			if slices.Contains(parts, vague) {
				t.Errorf("%s: %q says nothing; name the package for what it does", p.ImportPath, vague)
			}
		}
		if familyOf(p.ImportPath) < 0 && !testSupport(p.ImportPath) {
			t.Errorf("%s has no floor; give it one in DESIGN.md and in this test", p.ImportPath)
		}
		for _, i := range p.Imports {
			if why := wrongImport(p, i); why != "" {
				t.Errorf("%s imports %s, which %s", p.ImportPath, i, why)
			}
		}
	}
}

func TestWrongImportsAreFound(t *testing.T) {
	for _, c := range []struct{ from, name, to, want string }{
		{"content/store", "store", "content", ""},
		{"content/database", "database", "content", ""},
		{"content", "content", "content/database", "stands above it"},
		{"content/store", "store", "search", "stands above it"},
		{"content/store", "store", "migrations", "stands beside it"},
		{"search", "search", "search/inverted", ""},
		{"functions", "functions", "search", ""},
		{"search", "search", "functions", "stands above it"},
		{"connectors/salesforce", "salesforce", "connectors/salesforce/export", ""},
		{"connectors/salesforce", "salesforce", "connectors/samgov", "stands beside it"},
		{"connectors/web/robots", "robots", "connectors/upload", "stands beside it"},
		{"connectors", "connectors", "connectors/salesforce", "stands above it"},
		{"connectors/salesforce", "salesforce", "curatore", "stands above it"},
		{"curatore", "curatore", "connectors/salesforce", ""},
		{"curatore", "curatore", "examples/connection", "stands above it"},
		{"examples/worker", "main", "curatore", ""},
		{"examples/worker", "main", "examples/connection", "stands beside it"},
		{"content/store/storetest", "storetest", "content/database/databasetest", ""},
		{"content/store", "store", "content/database/databasetest", "is for tests and programs only"},
		{"examples/quickstart/sample", "sample", "connectors/salesforce/salesforcetest", "is for tests and programs only"},
		{"examples/quickstart/sample/generate", "main", "connectors/salesforce/salesforcetest", ""},
		{"search/internal/heap", "heap", "content", ""},
		{"search", "search", "search/internal/heap", ""},
		{"content/extras", "extras", "content", "cannot be judged: content/extras has no floor; give it one in DESIGN.md and here"},
		{"curatore", "curatore", "content/extras", "has no floor; give it one in DESIGN.md and here"},
	} {
		if got := wrongImport(listed{ImportPath: c.from, Name: c.name}, c.to); got != c.want {
			t.Errorf("%s imports %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// The number of modules that a program links stands in the README; it grows only
// on purpose.
func TestTheCoreLinksFewModules(t *testing.T) {
	args := []string{"-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}"}
	for _, p := range packages(t) {
		if !p.main() && !testSupport(p.ImportPath) && !strings.HasPrefix(p.ImportPath, "examples/") && !slices.Contains(optional, p.ImportPath) {
			args = append(args, "./"+p.ImportPath)
		}
	}
	modules := strings.Fields(string(goList(t, args...)))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	t.Logf("the core links %d modules:\n%s", len(modules), strings.Join(modules, "\n"))
	said := regexp.MustCompile(`The core links (\d+) modules`)
	for _, name := range []string{"README.md", "DESIGN.md"} {
		text, err := os.ReadFile(path.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if m := said.FindSubmatch(text); m == nil || string(m[1]) != fmt.Sprint(len(modules)) {
			t.Errorf("%s says %q, they are %d: %v", name, m, len(modules), modules)
		}
	}
}

// Both drivers stand behind database.Open; a program that imports only the
// declarations links neither.
func TestDeclarationsLinkNoDatabase(t *testing.T) {
	scan := bufio.NewScanner(bytes.NewReader(goList(t, "-deps", "./content")))
	for scan.Scan() {
		if p := scan.Text(); strings.Contains(p, "sqlite") || strings.Contains(p, "lib/pq") || p == "database/sql" {
			t.Errorf("content links %s", p)
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
}
