package vectors

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/curatore/curatore-go/content"
)

// A Model is where vectors come from. Only vectors of the same model can be
// compared. One name with another dimension is another model.
type Model struct {
	Name      string `json:"name"`
	Dimension int    `json:"dimension"`
}

// Limits of a [Model]. The largest models that are offered have 4,096 dimensions.
const (
	MaxName      = 200 // bytes
	MaxDimension = 16_000
)

// Check reports what is wrong with a model.
func (m Model) Check() error {
	switch {
	case m.Name == "" || len(m.Name) > MaxName || strings.ContainsRune(m.Name, 0) || strings.ToValidUTF8(m.Name, "") != m.Name:
		return fmt.Errorf("%w vectors: %q is not the name of a model; use 1 to %d bytes of text", content.ErrInvalid, m.Name, MaxName)
	case m.Dimension < 1 || m.Dimension > MaxDimension:
		return fmt.Errorf("%w vectors: model %q has dimension %d; use 1 to %d", content.ErrInvalid, m.Name, m.Dimension, MaxDimension)
	}
	return nil
}

// Key names the model in the tables: "text-embedding-3-small/1536".
func (m Model) Key() string { return m.Name + "/" + strconv.Itoa(m.Dimension) }

// ParseKey is the reverse of [Model.Key].
func ParseKey(key string) (Model, error) {
	i := strings.LastIndexByte(key, '/')
	dimension, err := strconv.Atoi(key[i+1:])
	if i < 0 || err != nil {
		return Model{}, fmt.Errorf("%w vectors: %q does not name a model and its dimension", content.ErrInvalid, key)
	}
	m := Model{Name: key[:i], Dimension: dimension}
	return m, m.Check()
}
