regions = ["eu", "us"]
