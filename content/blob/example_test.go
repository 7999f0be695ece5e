package blob_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
)

func Example() {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	objects, err := dirblob.Open(dir, dirblob.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer objects.Close()

	ctx := context.Background()
	key, err := blob.Key("0199aaaa", "upload", "document", "0199bbbb") // ids, never names
	if err != nil {
		log.Fatal(err)
	}
	stored, err := objects.Put(ctx, key, strings.NewReader("Hello, objects."), blob.PutOptions{Filename: "C:\\Desktop\\Greeting.txt", ContentType: "text/plain"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stored.Filename, stored.Size, stored.SHA256[:8])

	body, _, err := objects.Get(ctx, key, blob.Range{Offset: 7, Length: 7})
	if err != nil {
		log.Fatal(err)
	}
	defer body.Close()
	part, err := io.ReadAll(body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", part)
	// Output:
	// Greeting.txt 15 b0a434cb
	// objects
}
