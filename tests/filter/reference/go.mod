module reference

go 1.21

require github.com/hashicorp/go-bexpr v0.1.2
