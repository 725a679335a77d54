// Loads compose files, each over those before it, the way the tool itself does and prints the whole project as JSON.
//
// Usage: compose-loader FILE [FILE ...] [NAME=VALUE ...]
//
// Paths in every file are relative to the first one's folder. The named values are all that ${…} in the file may see: nothing of the caller's environment is read. Every
// profile is on, so that no service is left out. Exit code 1 and a sentence on standard error when the file is
// not one that the tool accepts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

func load(files, values []string) ([]byte, error) {
	options, err := cli.NewProjectOptions(
		files,
		cli.WithWorkingDirectory(filepath.Dir(files[0])),
		cli.WithEnv(values),
		cli.WithProfiles([]string{"*"}),
		cli.WithResolvedPaths(false),
		cli.WithDiscardEnvFile,
	)
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(project, "", "  ")
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: compose-loader FILE [FILE ...] [NAME=VALUE ...]")
		os.Exit(2)
	}
	files, values := os.Args[1:2], os.Args[2:]
	for len(values) > 0 && !strings.Contains(values[0], "=") {
		files, values = os.Args[1:len(files)+2], values[1:]
	}
	document, err := load(files, values)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(document))
}
