# Looks many keys up with Puppet's own lookup, and evaluates Puppet code, in one process: starting Puppet takes most of
# the time that one key takes.
#
# Standard input: {"hiera_config": path, "folder": an empty folder, "node": name, "facts": {…}, "keys": [key, …],
#   "code": [expression, …], "modules": [folder of modules, …], "trusted": {…}}; the last three may be missing
# Standard output: {"found": {key or expression: value, …}, "errors": {key or expression: message, …}}; a key that no
# layer has is in neither.
# JSON has most values as they are; the others are an object of one key:
#   {"$hash": [[key, value], …]} (every hash: keys may be Integers)  {"$bytes": hexadecimal} (a String that is no UTF-8)
# There is no Symbol and no Time: Puppet refuses them in data.
require 'json'
require 'puppet'

def exact(value)
  case value
  when nil, true, false, Integer, Float then value
  when String
    text = value.dup.force_encoding(Encoding::UTF_8)
    text.valid_encoding? ? text : { '$bytes' => value.unpack1('H*') }
  when Array then value.map { |item| exact(item) }
  when Hash then { '$hash' => value.map { |key, item| [exact(key), exact(item)] } }
  else raise "a value of class #{value.class}"
  end
end

request = JSON.parse($stdin.read)
folder = request['folder']
Puppet.initialize_settings(
  ['--confdir', folder, '--codedir', folder, '--vardir', "#{folder}/var", '--logdir', "#{folder}/log",
   '--rundir', "#{folder}/run", '--hiera_config', request['hiera_config'], '--strict', 'error']
)
Puppet::Util::Log.newdestination(:console)

environment = Puppet::Node::Environment.create(:production, request.fetch('modules', []))
environments = Puppet::Environments::Static.new(environment)
facts = Puppet::Node::Facts.new(request['node'], request['facts'])
node = Puppet::Node.new(request['node'], facts: facts, environment: environment)
node.merge(facts.values)
node.trusted_data = request['trusted'] if request.key?('trusted')

found = {}
errors = {}
Puppet.override(environments: environments, current_environment: environment) do
  compiler = Puppet::Parser::Compiler.new(node)
  compiler.compile do |catalog|
    # What the function lookup() of a manifest does.
    request['keys'].each do |key|
      invocation = Puppet::Pops::Lookup::Invocation.new(compiler.topscope)
      begin
        missing = Object.new
        value = Puppet::Pops::Lookup.lookup(key, nil, missing, true, nil, invocation)
        found[key] = exact(value) unless value.equal?(missing)
      rescue StandardError => error
        errors[key] = error.message
      end
    end
    parser = Puppet::Pops::Parser::EvaluatingParser.new
    request.fetch('code', []).each do |code|
      found[code] = exact(parser.evaluate_string(compiler.topscope, code))
    rescue StandardError => error
      errors[code] = error.message
    end
    catalog
  end
end
$stdout.write(JSON.generate('found' => found, 'errors' => errors))
