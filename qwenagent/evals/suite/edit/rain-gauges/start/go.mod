module example.org/rain

go 1.19
