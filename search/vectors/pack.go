package vectors

import (
	"encoding/binary"
	"errors"
	"math"
)

// Pack returns the values as bytes, four each, little-endian.
func Pack(values []float32) []byte {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return data
}

// Unpack fills the values from what [Pack] returned for as many.
func Unpack(data []byte, values []float32) error {
	if len(data) != 4*len(values) {
		return errors.New("a stored vector is not as long as its model says: the row is broken")
	}
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}
