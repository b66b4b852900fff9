using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Api;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Api;

public sealed class ProblemHandlerTests
{
    [Fact]
    public async Task AStudioThatClosesSaysSo() => Assert.Equal(503, await Status(new StudioClosedException()));

    [Fact]
    public async Task SomethingElseThatIsClosedIsAFault() => Assert.Equal(500, await Status(new ObjectDisposedException("a stream")));

    [Fact]
    public async Task AnErrorNamesTheFieldAsJsonHasIt()
    {
        var (status, body) = await Handle(new InvalidInputException("InnerSteps", "5000 is out of range.", "Use a number from 0 to 1000."));
        Assert.Equal(400, status);
        Assert.Equal("innerSteps: 5000 is out of range. Use a number from 0 to 1000.", (string?)body["title"]);
        Assert.Equal("""{"innerSteps":["5000 is out of range. Use a number from 0 to 1000."]}""", body["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task AnErrorWithoutASettingHasATitleAlone()
    {
        var (_, body) = await Handle(new InvalidInputException("There is no version \"x\"."));
        Assert.Equal("There is no version \"x\".", (string?)body["title"]);
        Assert.Null(body["errors"]);
    }

    private static async Task<int> Status(Exception exception) => (await Handle(exception)).Status;

    private static async Task<(int Status, JsonNode Body)> Handle(Exception exception)
    {
        await using var services = new ServiceCollection().AddLogging().AddProblemDetails().BuildServiceProvider();
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = services, Response = { Body = body } };
        await new ProblemHandler(services.GetRequiredService<IProblemDetailsService>(), NullLogger<ProblemHandler>.Instance).TryHandleAsync(context, exception, default);
        return (context.Response.StatusCode, JsonNode.Parse(body.ToArray())!);
    }
}
