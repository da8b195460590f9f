{"Job": {"ID": "store", "TaskGroups": [{"Name": "front", "Services": [{"Name": "till"}]}]}}
