using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Api;

/// <summary>Whatever is asked for is taken, or refused with a sentence.</summary>
[Trait("Category", "Slow")]
public sealed class AnyRecipeTests(SharedStudio shared)
{
    private static readonly string[] Odd =
    [
        "null", "true", "0", "-1", "1e999", "-1e-400", "9223372036854775807", "9223372036854775808", "0.5", "[]", "{}", "\"\"", "\" \"", "\"\\u0000\"", "\"\\ud800\"",
        "{\"red\":\"0.5\"}", "{\"red\":null}", "{\"\":\"\"}", "{\"=\":\"=\"}", "\"0.9..0.1\"", "\"..\"", "\":\"", "\"(((:1)\"", "\"2\"", "\"@file\"", "\"--model\"", "",
    ];

    // Every field of every kind, so that they meet where they do not belong, with a value that fits most of the time.
    private static readonly (string Name, string[] Usual)[] Fields =
    [
        ("prompt", ["\"a red house in a field\"", "\"a (red:1.5) house\""]), ("negative", ["\"\"", "\"people\""]), ("seed", ["4"]), ("steps", ["3"]), ("guidance", ["5"]),
        ("scheduler", ["\"ddim\"", "\"euler\""]), ("model", ["\"\"", "\"storybook\""]), ("longPrompts", ["true"]), ("clipSkip", ["1"]), ("source", ["\"SOURCE\""]),
        ("kind", ["\"auto\"", "\"refine\""]), ("crossSteps", ["\"0.8\""]), ("selfSteps", ["\"0.1..0.6\""]), ("wordSteps", ["{\"red\":\"0.5\"}"]), ("blend", ["\"house\""]),
        ("blendThreshold", ["0.3"]), ("mask", ["\"PICTURE\"", "null"]), ("picture", ["\"PICTURE\""]), ("method", ["\"direct\""]), ("innerSteps", ["2"]), ("noiseShift", ["1"]), ("skip", ["0.3"]), ("inversionGuidance", ["0", "2"]), ("frame", ["\"pad\""]),
        ("strength", ["0.5"]), ("type", ["\"drawn\""]),
    ];

    private static readonly Dictionary<string, string[]> Kinds = new()
    {
        ["generate"] = ["prompt", "negative", "seed", "steps", "guidance", "scheduler", "model", "longPrompts", "clipSkip"],
        ["edit"] = ["prompt", "source", "kind", "crossSteps", "selfSteps", "wordSteps", "blend", "blendThreshold", "mask"],
        ["invert"] = ["prompt", "picture", "method", "steps", "guidance", "innerSteps", "noiseShift", "skip", "inversionGuidance", "frame", "model", "longPrompts", "clipSkip"],
        ["inpaint"] = ["prompt", "picture", "mask", "negative", "seed", "steps", "guidance", "strength", "model", "longPrompts", "clipSkip"],
    };

    private static readonly Gen<string> Anything = Gen.Frequency(
        (3, Gen.OneOf(Odd)),
        (1, Gen.String.Select(text => JsonSerializer.Serialize(text))),
        (1, Gen.Int[0, 6000].Select(length => $"\"{new string('x', length)}\"")));

    private static readonly Gen<string[]> Values = Fields.Aggregate(
        Gen.Const(Array.Empty<string>()),
        (earlier, field) => Gen.Select(earlier, Gen.Frequency((12, Gen.OneOf(field.Usual)), (1, Anything), (1, Gen.Const("LEFT OUT"))), (all, value) => (string[])[.. all, value]));

    private static readonly Gen<(string Kind, string Body)> Requests =
        from kind in Gen.OneOf<string>([.. Kinds.Keys])
        from strays in Gen.Frequency((4, Gen.Const(Array.Empty<string>())), (1, Gen.OneOf(Array.ConvertAll(Fields, field => field.Name)).Array[1]))
        from values in Values
        select (kind, $"{{{string.Join(',', Fields.Zip(values).Where(pair => pair.Second != "LEFT OUT" && (Kinds[kind].Contains(pair.First.Name) || strays.Contains(pair.First.Name)))
            .Select(pair => $"\"{pair.First.Name}\":{pair.Second}"))}}}");

    // A picture from noise, from one's own, or filled; then an edit of it, an edit of that, and so on.
    private static readonly Gen<(string Kind, object Recipe)> Roots = Gen.Select(
        Gen.OneOf("generate", "generate", "invert", "inpaint"), Gen.OneOf("", "people", "a (dark:1.4) sky"), Gen.OneOf("ddim", "ddim", "ddim", "euler"),
        Gen.OneOf("direct", "null-text", "edit-friendly", "negative-prompt", "ddim", "bdia", "proximal", "virtual"), Gen.Int[0, 1])
        .Select((kind, negative, scheduler, method, clipSkip) => (kind, kind switch
        {
            "generate" => (object)new { prompt = Start, negative, scheduler, steps = 3, seed = 4, clipSkip },
            "invert" => new { prompt = Start, picture = "PICTURE", method, steps = 3, innerSteps = 1, clipSkip },
            _ => new { prompt = Start, picture = "PICTURE", mask = "PICTURE", negative, steps = 3, strength = 0.7, clipSkip },
        }));

    private static readonly Gen<object> Edits = Gen.Select(
        Gen.OneOf("a red house in a field", "a (red:1.5) house in a field", "a blue house in a field at night", "a house", "people in a field"),
        Gen.OneOf("", "", "house", "zebra"), Gen.OneOf("auto", "auto", "auto", "replace"), Gen.OneOf("0.8", "0.1..0.6"), Gen.OneOf<string?>(null, null, "PICTURE"))
        .Select((prompt, blend, kind, crossSteps, mask) => (object)new { prompt, blend, kind, crossSteps, mask });

    private const string Start = "a white house in a field";

    [Fact]
    public async Task AChainOfEditsGoesOnFromWhateverItBeganWith()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var first = await studio.Make(project, "generate", new { prompt = Start, steps = 2 });
        var picture = (string)(await TestStudio.Json(await studio.Http.GetAsync($"/api/versions/{first}")))["picture"]!;
        // One chain that must be made whole, then any.
        var night = await Chain(("generate", new { prompt = Start, negative = "people", steps = 3 }), [new { prompt = "a red house in a field" }, new { prompt = "a blue house in a field" }, new { prompt = "a blue house at night" }]);
        Assert.Equal(4, night);
        await Gen.Select(Roots, Edits.Array[3]).SampleAsync(chain => Chain(chain.Item1, chain.Item2), iter: 8, threads: 1);

        // How many pictures of a chain were made; an edit that is refused is left out.
        async Task<int> Chain((string Kind, object Recipe) root, object[] edits)
        {
            var source = await Made(root.Kind, root.Recipe, "");
            var made = source is null ? 0 : 1;
            foreach (var edit in source is null ? [] : edits)
            {
                if (await Made("edit", edit, source!) is { } next)
                    (source, made) = (next, made + 1);
            }

            return made;
        }

        // The version; null where it was refused, which takes a sentence.
        async Task<string?> Made(string kind, object recipe, string source)
        {
            var body = JsonSerializer.SerializeToNode(recipe)!.AsObject();
            if (kind == "edit")
                body["source"] = source;
            var text = body.ToJsonString().Replace("PICTURE", picture, StringComparison.Ordinal);
            var answer = await studio.Http.PostAsync($"/api/projects/{project}/{kind}", new StringContent(text, Encoding.UTF8, "application/json"));
            if (answer.StatusCode == HttpStatusCode.BadRequest)
            {
                Assert.InRange(((string)(await TestStudio.Json(answer))["title"]!).Length, 10, 600);
                return null;
            }

            Assert.True(answer.StatusCode == HttpStatusCode.Accepted, $"{answer.StatusCode}: {text}");
            var over = await studio.Over((string)(await TestStudio.Json(answer))["id"]!);
            if ((string?)over["state"] == "done")
                return (string)over["version"]!;
            var problem = (string?)over["problem"] ?? "";
            Assert.True((string?)over["state"] == "failed" && problem.Length is > 10 and < 600 && !problem.Contains("Exception", StringComparison.Ordinal), $"{over.ToJsonString()}: {text}");
            return null;
        }
    }

    [Fact]
    public async Task ItIsTakenOrRefusedWithASentence()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Limits = new EngineLimits { QueueLength = 10_000 } });
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", new { prompt = "a house in a field", steps = 3 });
        var picture = (string)(await TestStudio.Json(await studio.Http.GetAsync($"/api/versions/{source}")))["picture"]!;
        // Has the device as long as the others come and wait.
        await studio.Post(project, "generate", new { prompt = "a house", seed = 1, steps = 200 });
        var (taken, refused) = (0, 0);
        await Requests.SampleAsync(
            async request =>
            {
                var body = request.Body.Replace("SOURCE", source, StringComparison.Ordinal).Replace("PICTURE", picture, StringComparison.Ordinal);
                var answer = await studio.Http.PostAsync($"/api/projects/{project}/{request.Kind}", new StringContent(body, Encoding.UTF8, "application/json"));
                var text = await answer.Content.ReadAsStringAsync();
                if (answer.StatusCode == HttpStatusCode.Accepted)
                {
                    taken++;
                    await studio.Http.DeleteAsync($"/api/jobs/{JsonNode.Parse(text)!["id"]}");
                    return;
                }

                refused++;
                Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{answer.StatusCode}: {body}");
                Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
                Assert.InRange(((string)JsonNode.Parse(text)!["title"]!).Length, 10, 600);
            },
            iter: 250,
            threads: 1);
        // Of both there is enough to say something.
        Assert.True(taken > 20 && refused > 20, $"{taken} were taken and {refused} refused");
    }
}
