// golang.org/x/oauth2/clientcredentials: each line of standard input is a client; what it gets is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"io"
	"os"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type given struct {
	Server, ID, Secret string
	Style              int
	Scopes             []string
}

type found struct {
	Type   string
	Status int
	Error  string
}

func ask(one given) found {
	config := clientcredentials.Config{
		ClientID: one.ID, ClientSecret: one.Secret, TokenURL: one.Server + "/token",
		Scopes: one.Scopes, AuthStyle: oauth2.AuthStyle(one.Style),
	}
	token, err := config.Token(context.Background())
	if failure, ok := err.(*oauth2.RetrieveError); ok {
		return found{Status: failure.Response.StatusCode, Error: string(failure.Body)}
	}
	if err != nil {
		return found{Error: err.Error()}
	}
	reply, err := config.Client(context.Background()).Get(one.Server + "/orders")
	if err != nil {
		return found{Error: err.Error()}
	}
	defer reply.Body.Close()
	io.Copy(io.Discard, reply.Body)
	return found{Type: token.Type(), Status: reply.StatusCode}
}

func main() {
	read, write := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var one given
		if err := read.Decode(&one); err != nil {
			return
		}
		write.Encode(ask(one))
	}
}
