module example.org/auction

go 1.19
