using System.Net;
using System.Net.Http.Json;

namespace PromptToPrompt.Studio.Tests.Api;

/// <summary>The editing methods of <c>POST /api/projects/{id}/edit</c>.</summary>
[Trait("Category", "Slow")]
public sealed class MethodApiTests(SharedStudio shared)
{
    private static readonly object House = new { prompt = "a white house in a field", seed = 4, guidance = 5, steps = TestStudio.Steps };

    [Fact]
    public async Task AnEditTakesAMethodWithItsOptions()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var drawn = await studio.Make(project, "generate", House);
        var one = await studio.Make(project, "edit", new { source = drawn, prompt = "a red house in a field", method = "masactrl" });
        var other = await studio.Make(project, "edit", new { source = drawn, prompt = "a red house in a field", method = "masactrl", shareStart = 0.5 });
        var pictures = (await TestStudio.Json(await studio.Http.GetAsync($"/api/projects/{project}")))["versions"]!.AsArray().Select(version => (string?)version!["picture"]);
        Assert.Equal(3, pictures.Distinct().Count());
        Assert.EndsWith("--method masactrl --share-start 0.5", await studio.Http.GetStringAsync($"/api/versions/{other}/command"), StringComparison.Ordinal);
        Assert.EndsWith("--method masactrl", await studio.Http.GetStringAsync($"/api/versions/{one}/command"), StringComparison.Ordinal);

        var inverted = await studio.Make(project, "invert", new { picture = await studio.Send(TestStudio.Painted(128, 128)), prompt = "a house in a field", method = "uni-inv", steps = 3 });
        await studio.Make(project, "edit", new { source = inverted, prompt = "a red house in a field", method = "uni-edit", strength = 2 });
        var uninverted = await studio.Make(project, "invert", new { picture = await studio.Send(TestStudio.Painted(128, 128)), prompt = "a house in a field", method = "virtual", steps = 3 });
        var unified = await studio.Make(project, "edit", new { source = uninverted, prompt = "a red house in a field", method = "infedit", selfPart = 0.4 });
        Assert.EndsWith("--self-part 0.4", await studio.Http.GetStringAsync($"/api/versions/{unified}/command"), StringComparison.Ordinal);
        await Refused("method", new { source = drawn, prompt = "a red house", method = "uni-edit" });
        var noised = await studio.Make(project, "invert", new { picture = await studio.Send(TestStudio.Painted(128, 128)), prompt = "a house in a field", method = "edit-friendly", steps = 4 });
        var concepts = await studio.Make(project, "edit", new { source = noised, prompt = "a house in a field", method = "ledits++", concepts = new[] { "castle", "-house=3" }, conceptScale = 6 });
        Assert.EndsWith("--concept castle --concept=\"-house=3\" --concept-scale 6", await studio.Http.GetStringAsync($"/api/versions/{concepts}/command"), StringComparison.Ordinal);
        await studio.Make(project, "edit", new { source = noised, prompt = "a castle in a field", method = "ledits++" });
        await Refused("method", new { source = drawn, prompt = "a red house", method = "ledits++" });
        await Refused("method", new { source = inverted, prompt = "a red house", method = "ledits++" });
        await Refused("method", new { source = concepts, prompt = "a red house", method = "ledits++" });
        await Refused("concepts", new { source = noised, prompt = "a house", method = "ledits++", concepts = new[] { "-" } });
        await Refused("warmUp", new { source = noised, prompt = "a house", method = "ledits++", warmUp = 2 });

        var picture = await studio.Send(TestStudio.Painted(128, 128));
        var shifted = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "edit-friendly", steps = 5, noiseShift = 1 });
        await studio.Make(project, "edit", new { source = shifted, prompt = "a red house in a field", method = "turbo-edit", pseudoGuidance = 2 });
        var guided = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "edit-friendly", steps = 5 });
        await Refused("method", new { source = guided, prompt = "a red house", method = "turbo-edit" });
        await Refused("method", new { source = inverted, prompt = "a red house", method = "turbo-edit" });
        await Refused("pseudoGuidance", new { source = shifted, prompt = "a red house", method = "turbo-edit", pseudoGuidance = -1 });
        await Refused("method", new { source = inverted, prompt = "a red house", method = "infedit" });
        await Refused("crossPart", new { source = uninverted, prompt = "a red house", method = "infedit", crossPart = 2 });
        await Refused("noiseShift", new { picture, prompt = "a house", method = "direct", noiseShift = 1 }, "invert");
        await Refused("inversionGuidance", new { picture, prompt = "a house", method = "uni-inv", inversionGuidance = 1 }, "invert");
        // Programs may send the same numbers to every method.
        await studio.Make(project, "invert", new { picture, prompt = "a house", method = "direct", innerSteps = 3, steps = 3 });
        await studio.Make(project, "edit", new { source = drawn, prompt = "a red house", blendThreshold = 0.5 });
        await studio.Make(project, "edit", new { source = drawn, prompt = "a red house", method = "masactrl", subjectThreshold = 0.5 });
        await Refused("method", new { source = drawn, prompt = "a red house", method = "magic" });
        await Refused("shareStart", new { source = drawn, prompt = "a red house", shareStart = 0.5 });
        await Refused("shareStart", new { source = drawn, prompt = "a red house", method = "masactrl", shareStart = 2 });
        await Refused("selfSteps", new { source = drawn, prompt = "a red house", method = "pnp", selfSteps = "0.1" });
        await Refused("prompt", new { source = drawn, prompt = "a (red:2) house", method = "pnp" });

        async Task Refused(string field, object recipe, string verb = "edit")
        {
            var answer = await studio.Http.PostAsync($"/api/projects/{project}/{verb}", JsonContent.Create(recipe));
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal([field], (await TestStudio.Json(answer))["errors"]!.AsObject().Select(error => error.Key));
        }
    }
}
