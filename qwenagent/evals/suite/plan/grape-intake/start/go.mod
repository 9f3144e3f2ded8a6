module example.org/winery

go 1.19
