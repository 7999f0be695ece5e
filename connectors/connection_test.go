package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

func TestCheckReportsEveryMistakeAtOnce(t *testing.T) {
	open := func(context.Context, connectors.Input[settings]) (connectors.Session, error) { return nil, nil }
	stolen := content.Define(content.Spec[note]{Name: "note", Label: "Note", Group: "salesforce"})
	err := connectors.Check(
		connectors.New(connectors.Spec[settings]{Name: "Help Desk", Label: "x", Types: []*content.Type{orderType()}, Open: open}),
		connectors.New(connectors.Spec[settings]{Name: "bare", Functions: make([]connectors.Function[settings], 1)}),
		nil,
		connectors.New(connectors.Spec[settings]{Name: "wrong", Label: "Wrong", Icon: "unicorn", Color: "octarine", Types: []*content.Type{nil, stolen}, Open: open,
			MaxDelete: 1.5, FailureRate: -0.1}),
		connectors.New(connectors.Spec[settings]{Name: "twice", Label: "Twice", Types: []*content.Type{orderType()}, Open: open}),
		connectors.New(connectors.Spec[settings]{Name: "twice", Label: "Twice", Types: []*content.Type{orderType()}, Open: open}),
	)
	if !errors.Is(err, content.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"connection Help Desk: the name must be a lower-case letter",
		"connection bare: Open is missing", "connection bare: the label is missing", "connection bare: it declares no types", "connection bare: function 1 is empty",
		"a connection is nil",
		`connection wrong: unknown icon "unicorn"`, `connection wrong: unknown color "octarine"`, "connection wrong: a type is nil",
		`connection wrong: type note uses the group "salesforce", which is a reserved metadata namespace`,
		"connection wrong: MaxDelete is 1.5", "connection wrong: FailureRate is -0.1",
		"connection twice: two connections have this name",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n"); n != 13 {
		t.Errorf("%d lines:\n%v", n, err)
	}
}

func TestConnection(t *testing.T) {
	spec := connectors.Spec[settings]{Name: "shop", Label: "Shop", Description: "A shop.", Types: []*content.Type{orderType()},
		Open: func(context.Context, connectors.Input[settings]) (connectors.Session, error) { return nil, nil }}
	c := connectors.New(spec)
	if err := connectors.Check(c); err != nil {
		t.Fatal(err)
	}
	if c.Name() != "shop" || c.Label() != "Shop" || c.Description() != "A shop." || c.RunType() != "shop_import" || c.ReplayType() != "shop_replay" || c.Replayable() {
		t.Errorf("%+v", c)
	}
	if got := c.Types()[0].Group(); got != "shop" {
		t.Errorf("group %q", got)
	}
	if c.Timeout() != 30*time.Minute {
		t.Errorf("time-out %s", c.Timeout())
	}
	spec.Timeout = time.Second
	if got := connectors.New(spec).Timeout(); got != time.Second {
		t.Errorf("time-out %s", got)
	}
}

// Settings override single defaults. What one import sets is not there in the
// next one, maps and lists included.
func TestSettings(t *testing.T) {
	defaults := settings{Word: "default", List: []string{"a", "b"}, Words: map[string]string{"one": "1"}}
	var got settings
	var s *shop
	s = newShop(t, "sqlite", content.Orphan, func(spec *connectors.Spec[settings]) {
		spec.Settings = defaults
		spec.Open = func(_ context.Context, in connectors.Input[settings]) (connectors.Session, error) {
			got = in.Settings
			if in.HTTP == nil || in.Now == nil || in.Logger == nil {
				t.Error("an input without client, clock or logger")
			}
			return connectors.Streams(s.streams), nil
		}
	})
	for _, test := range []struct {
		given string
		want  settings
		err   string
	}{
		{given: ``, want: defaults},
		{given: `{}`, want: defaults},
		{given: `{"word":"other","list":["x"],"words":{"two":"2"}}`, want: settings{Word: "other", List: []string{"x"}, Words: map[string]string{"one": "1", "two": "2"}}},
		{given: `{}`, want: defaults},
		{given: `{"wrod":"typo"}`, err: `import shop: invalid settings: json: unknown field "wrod"`},
		{given: `[]`, err: "import shop: invalid settings: json: cannot unmarshal array"},
		{given: `{"word":1}`, err: "import shop: invalid settings: json: cannot unmarshal number into Go struct field settings.word"},
		{given: `{} {}`, err: "import shop: invalid settings: there is more behind the JSON value"},
		{given: `{`, err: "import shop: invalid settings: unexpected EOF"},
	} {
		_, _, err := s.load(connectors.Options{Settings: json.RawMessage(test.given)})
		if test.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), test.err) || !errors.Is(err, content.ErrInvalid) {
				t.Errorf("%s: %v, want %s", test.given, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.given, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.given, diff)
		}
	}
	if diff := cmp.Diff(settings{Word: "default", List: []string{"a", "b"}, Words: map[string]string{"one": "1"}}, defaults); diff != "" {
		t.Error("the defaults have changed:", diff)
	}
}

func TestOpenFiles(t *testing.T) {
	if _, _, err := connectors.OpenFiles("connection_test.go", "no such file"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
	if _, _, err := connectors.OpenFiles("."); err == nil || err.Error() != ". is not a file" {
		t.Error(err)
	}
	files, closeAll, err := connectors.OpenFiles("doc.go")
	if err != nil || len(files) != 1 || files[0].Name != "doc.go" || files[0].Size == 0 {
		t.Fatal(files, err)
	}
	if err := closeAll(); err != nil {
		t.Error(err)
	}
	if _, err := files[0].ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("the file is still open")
	}
}
