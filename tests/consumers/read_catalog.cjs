// Reads a catalog-info.yaml as Backstage does: its policies and validator, and the references that it follows.
const fs = require("fs");
const catalog = require("@backstage/catalog-model");
const yaml = require("yaml");

const policy = catalog.EntityPolicies.allOf([
  new catalog.SchemaValidEntityPolicy(),
  new catalog.DefaultNamespaceEntityPolicy(),
  new catalog.NoForeignRootFieldsEntityPolicy(),
  new catalog.FieldFormatEntityPolicy(),
]);

async function read(path) {
  const entities = [];
  for (const document of yaml.parseAllDocuments(fs.readFileSync(path, "utf8"))) {
    if (document.errors.length) throw document.errors[0];
    const entity = await policy.enforce(document.toJSON());
    if (!(await catalog.componentEntityV1alpha1Validator.check(entity))) throw new Error("not a component");
    const context = { defaultKind: "group", defaultNamespace: "default" };
    entities.push({
      name: entity.metadata.name,
      registered: entity.metadata.annotations["frostline/name"],
      owner: catalog.stringifyEntityRef(catalog.parseEntityRef(entity.spec.owner, context)),
      dependsOn: entity.spec.dependsOn.map((to) => catalog.stringifyEntityRef(catalog.parseEntityRef(to, context))),
    });
  }
  return entities;
}

read(process.argv[2]).then(
  (entities) => console.log(JSON.stringify(entities)),
  (error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
